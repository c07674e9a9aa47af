//! How a long computation lets its caller breathe.

/// Multiply-adds, or as much time spent on memory, between two questions: a few milliseconds.
const BETWEEN: usize = 8 << 20;
/// What fetching a cell costs, in multiply-adds.
pub(crate) const FETCH: usize = 32;

/// Counts work, and asks now and then whether to go on.
pub(crate) struct Pace<'a> {
    go_on: &'a mut dyn FnMut() -> bool,
    work: usize,
}

impl<'a> Pace<'a> {
    pub fn new(go_on: &'a mut dyn FnMut() -> bool) -> Self {
        Self { go_on, work: 0 }
    }

    /// Whether to go on after so much more work.
    #[inline(always)]
    pub fn after(&mut self, work: usize) -> bool {
        self.work += work;
        self.work < BETWEEN || self.ask()
    }

    #[cold]
    fn ask(&mut self) -> bool {
        self.work = 0;
        (self.go_on)()
    }
}

/// Runs `work` with a question that asks `tick`, and gives what `tick` said last.
pub(crate) fn ticking<E>(
    tick: &mut dyn FnMut() -> Result<(), E>,
    work: impl FnOnce(&mut dyn FnMut() -> bool),
) -> Result<(), E> {
    let mut said = Ok(());
    work(&mut || {
        said = tick();
        said.is_ok()
    });
    said
}
