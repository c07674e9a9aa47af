//! Encodings by hand.

use super::*;
use crate::Error;
use crate::frame::{Frame, RowSet};
use crate::learners::Wishes;
use crate::monitor::Unattended;
use crate::pipeline::{
    Encoder, Encoding, Input, InputKind, LabelKind, TargetKind, TimePart, Unknown,
};
use crate::value::Value;

mod columns;
mod encodings;
mod leaks;
mod shapes;

pub(super) const PENALISED: Wishes = Wishes {
    scale: true,
    reference: false,
};
pub(super) const PLAIN: Wishes = Wishes {
    scale: false,
    reference: true,
};

/// A column for a test: its name, its kind, its cells.
pub(super) type Column<'a> = (&'a str, InputKind, Vec<Value<'a>>);

pub(super) fn numbers<'a>(name: &'a str, cells: &[f64]) -> Column<'a> {
    let cells = cells.iter().map(|cell| Value::Number(*cell)).collect();
    (name, InputKind::Number, cells)
}

pub(super) fn texts<'a>(name: &'a str, cells: &[&'a str]) -> Column<'a> {
    let cell = |text: &&'a str| match *text {
        "" => Value::Missing,
        text => Value::Text(text),
    };
    (name, InputKind::Text, cells.iter().map(cell).collect())
}

/// A table and what describes it.
pub(super) struct Table {
    pub frame: Frame,
    pub inputs: Vec<Input>,
    pub rows: RowSet,
}

pub(super) fn table(columns: &[Column<'_>]) -> Table {
    let described: Vec<_> = columns.iter().map(|c| (c.0.to_owned(), c.1)).collect();
    let mut frame = Frame::new(&described, 1 << 30).unwrap();
    for row in 0..columns[0].2.len() {
        for (slot, column) in columns.iter().enumerate() {
            frame.set(slot, column.2[row]).unwrap();
        }
        frame.commit_row().unwrap();
    }
    let input = |(name, kind): &(String, InputKind)| Input {
        name: name.clone(),
        sql_type: String::new(),
        kind: *kind,
        length: None,
    };
    Table {
        rows: RowSet::full(frame.rows()).unwrap(),
        inputs: described.iter().map(input).collect(),
        frame,
    }
}

impl Table {
    pub fn try_decide(
        &self,
        target: (&TargetKind, &[f64]),
        wishes: Wishes,
        preprocess: serde_json::Value,
    ) -> crate::Result<Decision> {
        let names: Vec<_> = self.inputs.iter().map(|input| input.name.clone()).collect();
        let options = Options::parse(&preprocess, &names)?;
        let (frame, inputs) = (&self.frame, &self.inputs);
        decide(
            frame,
            inputs,
            &self.rows,
            target,
            wishes,
            &options,
            &mut Unattended,
        )
    }

    /// For a target without any pattern.
    pub fn decide(&self, wishes: Wishes, preprocess: serde_json::Value) -> Decision {
        let target: Vec<f64> = (0..self.frame.rows())
            .map(|n| ((n * 7919) % 101) as f64)
            .collect();
        self.try_decide((&TargetKind::Number, &target), wishes, preprocess)
            .unwrap()
    }

    pub fn encoding(&self, wishes: Wishes, preprocess: serde_json::Value) -> Encoder {
        self.decide(wishes, preprocess).encoders.swap_remove(0)
    }

    pub fn reason(&self, preprocess: serde_json::Value) -> String {
        let target = vec![0.0; self.frame.rows()];
        match self.try_decide((&TargetKind::Number, &target), PENALISED, preprocess) {
            Err(Error::Option { problem, .. }) => problem,
            other => panic!("{other:?}"),
        }
    }
}

pub(super) const NAN: f64 = f64::NAN;

/// A classification with these class numbers.
pub(super) fn classes(count: usize) -> TargetKind {
    TargetKind::Classes {
        label: LabelKind::Text,
        classes: (0..count).map(|n| format!("class {n}")).collect(),
    }
}
