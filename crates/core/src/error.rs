//! What can go wrong in the mathematics, each with the offending value.

/// The result of every fallible function of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure of a solver, an accumulator or a decoder. Columns are counted from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The [`Monitor`](crate::monitor::Monitor) asked to stop.
    #[error("stopped on request")]
    Stopped,
    /// A cell is NaN or infinite.
    #[error("column {column} holds {value}")]
    NotFinite {
        /// The column of the design, or the number of columns for the target.
        column: usize,
        /// The offending value.
        value: f64,
    },
    /// There is no row to learn from.
    #[error("no rows to learn from")]
    NoRows,
    /// Every row to learn a classification from has the same class.
    #[error("only one class in the training rows: number {class}")]
    OneClass {
        /// The class, counted from 0 in the order of the classes.
        class: usize,
    },
    /// A parameter lies outside its range.
    #[error("parameter {name} is {value}, expected {expected}")]
    InvalidParameter {
        /// The parameter's name as users write it.
        name: &'static str,
        /// The value that was given.
        value: String,
        /// The range in words.
        expected: &'static str,
    },
    /// An option that came as JSON is not understood: an unknown key, a wrong value.
    #[error("{path}: {problem}")]
    Option {
        /// The argument and the way down to the key, e.g. `hyperparams.max_iter`.
        path: String,
        /// What is wrong with it, e.g. `unknown key`, `is "many", expected a whole number from 1`.
        problem: String,
        /// What could be written instead: the nearest valid names, a range. Empty where nothing helps.
        hint: String,
    },
    /// A row cannot be scored: a category that training did not see and the model refuses, an infinity.
    #[error("{slot} {problem}")]
    Row {
        /// What is refused, as a message begins: `column "x"`, `column "x[i]"` for an element.
        slot: String,
        /// What is wrong with its value.
        problem: String,
    },
    /// Two shapes do not fit together.
    #[error("{what}: expected {expected}, got {got}")]
    Shape {
        /// What was measured.
        what: &'static str,
        /// The length that fits.
        expected: usize,
        /// The length that was given.
        got: usize,
    },
    /// A label is neither 0 nor 1.
    #[error("label {value} is neither 0 nor 1")]
    NotBinary {
        /// The offending label.
        value: f64,
    },
    /// More memory is needed than is allowed.
    #[error("{needed} bytes needed, {limit} allowed")]
    MemoryLimit {
        /// Bytes needed.
        needed: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// The operating system refused an allocation.
    #[error("could not allocate {bytes} bytes")]
    OutOfMemory {
        /// Bytes asked for.
        bytes: u64,
    },
    /// The fit left the range of doubles (overflow of scale, not a user's NaN).
    #[error("numerical breakdown in {phase}")]
    Breakdown {
        /// The part of the computation.
        phase: &'static str,
    },
    /// An encoded state or model is not what it claims to be.
    #[error("corrupt encoding: {what}")]
    Corrupt {
        /// The first thing that did not fit.
        what: &'static str,
    },
    /// A worker thread ended by a panic (a defect of this crate).
    #[error("a worker thread failed")]
    Worker,
}

/// linfa's traits ask for this; the solvers of this crate never raise one of linfa's errors.
impl From<linfa::Error> for Error {
    fn from(error: linfa::Error) -> Self {
        match error {
            linfa::Error::MismatchedShapes(expected, got) => Self::Shape {
                what: "rows",
                expected,
                got,
            },
            linfa::Error::NotEnoughSamples => Self::NoRows,
            other => Self::InvalidParameter {
                name: "data set",
                value: other.to_string(),
                expected: "what linfa accepts",
            },
        }
    }
}
