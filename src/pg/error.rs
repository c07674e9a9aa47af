//! Errors as PostgreSQL shows them: SQLSTATE, message, DETAIL, HINT.
//!
//! A [`Failure`] is made where something goes wrong and becomes an `ErrorReport` at the edge. The
//! one place that gives each error of the mathematics its SQLSTATE is [`Failure::from_core`].

use pglearn_core::Error;
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportWithLevel};
use pgrx::{PgLogLevel, PgSqlErrorCode};

/// The result of everything that can fail on the way between SQL and the mathematics.
pub type Result<T> = std::result::Result<T, Failure>;

/// An error with all that a user should see.
#[derive(Debug)]
pub struct Failure(Box<Report>);

#[derive(Debug)]
struct Report {
    code: PgSqlErrorCode,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
}

impl Failure {
    /// An error with its SQLSTATE and message (lower case, no final stop).
    pub fn new(code: PgSqlErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(Report {
            code,
            message: message.into(),
            detail: None,
            hint: None,
        }))
    }

    /// A wrong argument value (22023).
    pub fn parameter(message: impl Into<String>) -> Self {
        Self::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, message)
    }

    /// A required argument that is NULL (22004).
    pub fn null_argument(function: &str, argument: &str) -> Self {
        Self::new(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            format!("argument {argument} of {function} must not be NULL"),
        )
        .hint(format!(
            "SELECT {}.{function}('usage'); shows the arguments.",
            super::context::extension_schema()
        ))
    }

    /// The same for a function without a usage text.
    pub fn missing_argument(function: &str, argument: &str) -> Self {
        Self::new(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            format!("argument {argument} of {function} must not be NULL"),
        )
    }

    /// A table that is to be created is there already (42P07).
    pub fn duplicate_table(relation: &str) -> Self {
        Self::new(
            PgSqlErrorCode::ERRCODE_DUPLICATE_TABLE,
            format!("relation {relation} already exists"),
        )
        .hint("Drop it, or choose another name.")
    }

    /// A defect of ours (XX000): never a user's mistake.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(PgSqlErrorCode::ERRCODE_INTERNAL_ERROR, message)
    }

    /// What PostgreSQL raised.
    pub fn caught(report: &ErrorReportWithLevel) -> Self {
        let mut failure = Self::new(report.sql_error_code(), report.message().trim_end());
        failure.0.detail = report.detail().map(str::to_owned);
        failure.0.hint = report.hint().map(str::to_owned);
        failure
    }

    /// Its SQLSTATE.
    pub fn code(&self) -> PgSqlErrorCode {
        self.0.code
    }

    /// Its SQLSTATE as five characters.
    pub fn sqlstate(&self) -> String {
        // Six bits each from the lowest on, as `MAKE_SQLSTATE` packs them.
        let code = self.0.code as isize;
        (0..5)
            .map(|at| char::from(b'0' + ((code >> (6 * at)) & 0x3f) as u8))
            .collect()
    }

    /// Its message.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Its DETAIL.
    pub fn details(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// Its HINT.
    pub fn advice(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Adds what lies behind the error.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Puts words before the message.
    #[must_use]
    pub fn within(mut self, context: &str) -> Self {
        self.0.message = format!("{context}: {}", self.0.message);
        self
    }

    /// Gives an error of the mathematics its SQLSTATE and words. `name` turns a column number into
    /// what the user calls it.
    pub fn from_core(error: Error, name: &dyn Fn(usize) -> String) -> Self {
        match error {
            Error::Stopped => {
                // The cancel or terminate that made the solver come home, in its own words.
                pgrx::check_for_interrupts!();
                super::watchdog::reason().unwrap_or_else(|| {
                    Self::new(
                        PgSqlErrorCode::ERRCODE_QUERY_CANCELED,
                        "canceling training due to user request",
                    )
                })
            }
            Error::NotFinite { column, value } => Self::new(
                PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
                format!("{} contains {}", name(column), number(value)),
            )
            .detail("Only finite numbers can be computed with.")
            .hint(leave_out(&name(column))),
            Error::NoRows => Self::new(
                PgSqlErrorCode::ERRCODE_NO_DATA_FOUND,
                "no rows to learn from",
            )
            .detail("Rows with a NULL in the dependent or an independent variable are skipped.")
            .hint("SELECT count(*) with IS NOT NULL conditions on the variables shows what is left."),
            Error::OneClass { class } => Self::parameter("only one class in the training rows")
                .detail(format!("All of them have class number {}.", class + 1))
                .hint("A classification needs rows of at least two classes."),
            Error::InvalidParameter { name, value, expected } => {
                Self::parameter(format!("invalid value for {name}: {value}"))
                    .detail(format!("{name} must be {expected}."))
            }
            Error::Option { path, problem, hint } => {
                let failure = Self::parameter(format!("{path}: {problem}"));
                if hint.is_empty() { failure } else { failure.hint(hint) }
            }
            Error::Row { slot, problem } => Self::parameter(format!("{slot} {problem}")),
            Error::NotBinary { value } => {
                Self::parameter(format!("observed label {value} is neither 0 nor 1"))
                    .detail("Labels are 0 and 1, or false and true.")
                    .hint("Compare the column with the positive class: '(label = …)::integer'.")
            }
            Error::MemoryLimit { needed, limit } => memory_limit(needed.max(2 * limit), limit)
                .detail("Reading stopped where it was used up; how many rows there are is not known."),
            Error::OutOfMemory { bytes } => Self::new(
                PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY,
                "out of memory",
            )
            .detail(format!("An allocation of {bytes} bytes failed."))
            .hint("Train on a sample (source 'SELECT … FROM … TABLESAMPLE …'), or lower pglearn.max_memory to be told sooner."),
            Error::Breakdown { phase } => Self::new(
                PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
                format!("the fit left the range of double precision in {phase}"),
            )
            .hint("Scale the variables: multiply very large and very small ones by a power of ten that brings them near 1."),
            Error::Corrupt { what } => Self::new(
                PgSqlErrorCode::ERRCODE_DATA_CORRUPTED,
                format!("not a valid pglearn state: {what}"),
            ),
            Error::Shape { what, expected, got } => Self::parameter(format!(
                "inconsistent number of {what}: expected {expected}, got {got}"
            )),
            other => Self::internal(other.to_string()),
        }
    }

    /// Sends it as a WARNING.
    pub fn warn(self) {
        ErrorReport::from(self).report(PgLogLevel::WARNING);
    }

    /// Writes it to the server's log and nowhere else: there is no client, or it is none of the client's
    /// business.
    pub fn log(self) {
        ErrorReport::from(self).report(PgLogLevel::LOG_SERVER_ONLY);
    }

    /// Raises it as an ERROR from a function that has no `Result` to return.
    pub fn raise(self) -> ! {
        ErrorReport::from(self).report(PgLogLevel::ERROR);
        unreachable!("an ERROR does not return")
    }
}

/// The refusal of work that would need more memory than `pglearn.max_memory`.
pub fn memory_limit(needed: u64, limit: u64) -> Failure {
    let megabytes = |bytes: u64| bytes.div_ceil(1 << 20);
    let refuse = |limit_of: &str| {
        Failure::new(
            PgSqlErrorCode::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
            format!(
                "the rows need more than {limit_of} ({} MB)",
                megabytes(limit)
            ),
        )
        .detail(format!("At least {} MB are needed.", megabytes(needed)))
    };
    if crate::settings::memory_is_capped() {
        return refuse("the job may use")
            .hint("request_retrain takes a max_memory for one job, up to pglearn.max_memory.");
    }
    refuse("pglearn.max_memory").hint(format!(
        "SET pglearn.max_memory = '{}MB' (a superuser can), or use a sample of the rows: 'SELECT … FROM … TABLESAMPLE …' as the source.",
        megabytes(needed).next_power_of_two()
    ))
}

/// How to leave out rows where a column is not finite, ready to be typed where it has a plain name.
fn leave_out(column: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_.[]\"".contains(c);
    if column.chars().all(plain) {
        return format!(
            "Leave such rows out: source 'SELECT * FROM … WHERE {column} BETWEEN -1e308 AND 1e308'."
        );
    }
    "Leave such rows out with a WHERE clause: give a SELECT as the source.".to_owned()
}

/// A double as PostgreSQL writes it.
fn number(value: f64) -> String {
    match value {
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        other => other.to_string(),
    }
}

impl From<pgrx::spi::Error> for Failure {
    fn from(error: pgrx::spi::Error) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<Failure> for ErrorReport {
    fn from(failure: Failure) -> Self {
        let Report {
            code,
            message,
            detail,
            hint,
        } = *failure.0;
        let mut report = ErrorReport::new(code, message, "pglearn");
        if let Some(detail) = detail {
            report = report.set_detail(detail);
        }
        if let Some(hint) = hint {
            report = report.set_hint(hint);
        }
        report
    }
}

/// Sends a WARNING with a DETAIL, if there is any.
pub fn warn(code: PgSqlErrorCode, message: &str, detail: &str) {
    let mut report = ErrorReport::new(code, message.to_owned(), "pglearn");
    if !detail.is_empty() {
        report = report.set_detail(detail.to_owned());
    }
    report.report(PgLogLevel::WARNING);
}

/// Sends a NOTICE.
pub fn notice(message: &str) {
    ErrorReport::new(
        PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
        message.to_owned(),
        "pglearn",
    )
    .report(PgLogLevel::NOTICE);
}
