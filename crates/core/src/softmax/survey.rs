//! Which classes there are.

use super::Rows;
use crate::parallel::Watch;
use crate::{Error, Result};

/// The classes with rows of positive weight.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Classes {
    /// Their numbers, the heaviest last: its part of the curvature is made of the others'.
    pub present: Vec<usize>,
    /// The place of each class in `present`; NaN for those that are not there.
    pub place: Vec<f64>,
}

impl Classes {
    /// Reads labels and weights.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a label that is no number of a class, [`Error::OneClass`].
    pub fn take(rows: &Rows<'_>, classes: usize, watch: &mut Watch<'_>) -> Result<Self> {
        let mut weights = vec![0.0_f64; classes];
        for span in rows.tiles.spans(0..rows.tiles.rows()) {
            watch.tick()?;
            let of_rows = rows.weighted.then(|| span.column(rows.features + 1));
            for (row, label) in span.column(rows.features).iter().enumerate() {
                let class = *label as usize;
                if *label < 0.0 || class as f64 != *label || class >= classes {
                    return Err(Error::InvalidParameter {
                        name: "label",
                        value: label.to_string(),
                        expected: "the number of a class, counted from 0",
                    });
                }
                weights[class] += of_rows.map_or(1.0, |w| w[row]);
            }
        }
        let mut present: Vec<usize> = (0..classes).filter(|k| weights[*k] > 0.0).collect();
        match present.as_slice() {
            [] => return Err(Error::NoRows),
            [class] => return Err(Error::OneClass { class: *class }),
            _ => {}
        }
        let heaviest = (0..present.len()).fold(0, |best, k| {
            if weights[present[k]] > weights[present[best]] {
                k
            } else {
                best
            }
        });
        let class = present.remove(heaviest);
        present.push(class);
        let mut place = vec![f64::NAN; classes];
        for (k, class) in present.iter().enumerate() {
            place[*class] = k as f64;
        }
        Ok(Self { present, place })
    }
}
