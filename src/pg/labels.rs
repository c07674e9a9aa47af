//! Which class a value of the dependent variable stands for.

use super::cell::CellKind;
use super::error::{Failure, Result};
use super::query::{AnyColumn, type_name};
use pgrx::{PgSqlErrorCode, pg_sys};
use std::cmp::Ordering;
use std::ffi::CStr;

/// Gives each value of a two-class outcome the number 0 or 1, in order of appearance; says at the
/// end which is the greater and therefore the positive class.
pub struct LabelCoder {
    kind: Option<CellKind>,
    column: AnyColumn,
    compare: Option<Comparison>,
    seen: Vec<pg_sys::Datum>,
}

/// The two classes of an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classes {
    /// The lesser value, or that of the only class if it is negative.
    pub negative: Option<String>,
    /// The greater value.
    pub positive: Option<String>,
    /// Whether the value seen first (number 0) is the positive one.
    pub flipped: bool,
    /// Whether the values are 0/1 or false/true, so that nothing needs saying.
    pub canonical: bool,
}

/// A type's default order.
#[derive(Clone, Copy)]
pub struct Comparison {
    function: *mut pg_sys::FmgrInfo,
    collation: pg_sys::Oid,
}

impl Comparison {
    /// The order of a type under a collation, if it has one.
    pub fn of(type_oid: pg_sys::Oid, collation: pg_sys::Oid) -> Option<Self> {
        // SAFETY: the type cache entry lives for the whole session.
        unsafe {
            let entry =
                pg_sys::lookup_type_cache(type_oid, pg_sys::TYPECACHE_CMP_PROC_FINFO as i32);
            ((*entry).cmp_proc_finfo.fn_oid != pg_sys::InvalidOid).then(|| Self {
                function: &raw mut (*entry).cmp_proc_finfo,
                collation,
            })
        }
    }

    /// Compares two non-NULL datums of the type.
    ///
    /// # Safety
    /// Both are non-NULL datums of the type.
    pub unsafe fn order(&self, a: pg_sys::Datum, b: pg_sys::Datum) -> Ordering {
        // SAFETY: a btree support function 1 of the type takes two of its datums.
        let order = unsafe { pg_sys::FunctionCall2Coll(self.function, self.collation, a, b) };
        (order.value() as i32).cmp(&0)
    }
}

/// A datum as text.
///
/// # Safety
/// `datum` is a non-NULL datum of the type.
pub unsafe fn output(datum: pg_sys::Datum, type_oid: pg_sys::Oid) -> String {
    let mut function = pg_sys::InvalidOid;
    let mut varlena = false;
    // SAFETY: the type's own output function on a datum of the type.
    unsafe {
        pg_sys::getTypeOutputInfo(type_oid, &mut function, &mut varlena);
        CStr::from_ptr(pg_sys::OidOutputFunctionCall(function, datum))
            .to_string_lossy()
            .into_owned()
    }
}

/// A copy of a datum in the current memory context.
///
/// # Safety
/// `datum` is a non-NULL datum of the type.
pub unsafe fn copy(datum: pg_sys::Datum, type_oid: pg_sys::Oid) -> pg_sys::Datum {
    let mut length = 0;
    let mut by_value = false;
    // SAFETY: a syscache look-up, then a copy by the type's own length.
    unsafe {
        pg_sys::get_typlenbyval(type_oid, &mut length, &mut by_value);
        match (by_value, usize::try_from(length)) {
            (true, _) => datum,
            (false, Ok(bytes)) => {
                let place: *mut u8 = pg_sys::palloc(bytes).cast();
                place.copy_from_nonoverlapping(datum.cast_mut_ptr(), bytes);
                pg_sys::Datum::from(place)
            }
            (false, Err(_)) if length == -1 => {
                pg_sys::Datum::from(pg_sys::pg_detoast_datum_copy(datum.cast_mut_ptr()))
            }
            (false, Err(_)) => pg_sys::Datum::from(pg_sys::pstrdup(datum.cast_mut_ptr())),
        }
    }
}

impl LabelCoder {
    /// A coder for a column.
    ///
    /// # Errors
    /// 42883 where the type has no order.
    pub fn new(column: &AnyColumn) -> Result<Self> {
        let kind = CellKind::of(column.type_oid).filter(|kind| *kind != CellKind::Numeric);
        let compare = Comparison::of(column.type_oid, column.collation);
        if kind.is_none() && compare.is_none() {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_FUNCTION,
                format!(
                    "dependent_varname: {} is of type {}, whose values have no order",
                    column.name,
                    type_name(column.type_oid)
                ),
            )
            .hint(format!("Compare it with a value: '{} = …'.", column.name)));
        }
        Ok(Self {
            kind,
            column: column.clone(),
            compare,
            seen: Vec::new(),
        })
    }

    /// The number of a value.
    ///
    /// # Errors
    /// 22023 for the third distinct value, 22003 for NaN.
    ///
    /// # Safety
    /// `datum` is a non-NULL datum of the column's type; the current memory context lives as long
    /// as the coder.
    #[inline]
    pub unsafe fn code(&mut self, datum: pg_sys::Datum) -> Result<f64> {
        for (i, seen) in self.seen.iter().enumerate() {
            // SAFETY: `seen` are datums of the same type as `datum`.
            if unsafe { self.equal(*seen, datum) } {
                return Ok(i as f64);
            }
        }
        // SAFETY: passed on.
        unsafe { self.meet(datum) }
    }

    /// # Safety
    /// Both are datums of the column's type.
    #[inline]
    unsafe fn equal(&self, a: pg_sys::Datum, b: pg_sys::Datum) -> bool {
        match (self.kind, &self.compare) {
            // Beyond 2^53 neighbouring integers are one double.
            (Some(CellKind::Int8), _) => a.value() == b.value(),
            // SAFETY: as the caller says.
            (Some(kind), _) => unsafe { kind.read(a) == kind.read(b) },
            // SAFETY: as the caller says.
            (None, Some(compare)) => unsafe { compare.order(a, b) == Ordering::Equal },
            (None, None) => false,
        }
    }

    /// # Safety
    /// As [`code`](Self::code).
    #[cold]
    unsafe fn meet(&mut self, datum: pg_sys::Datum) -> Result<f64> {
        let type_oid = self.column.type_oid;
        // SAFETY: a datum of the column's type.
        let is_nan = |kind: CellKind| unsafe { kind.read(datum) }.is_nan();
        if CellKind::of(type_oid).is_some_and(is_nan) {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
                format!("dependent variable {} contains NaN", self.column.name),
            ));
        }
        if self.seen.len() == 2 {
            let mut values: Vec<String> = self
                .seen
                .iter()
                .chain([&datum])
                // SAFETY: datums of the column's type.
                .map(|value| format!("\"{}\"", unsafe { output(*value, type_oid) }))
                .collect();
            values.sort();
            return Err(Failure::parameter(format!(
                "dependent variable {} has more than two distinct values",
                self.column.name
            ))
            .detail(format!("Among them are {}.", values.join(", ")))
            .hint(format!(
                "Compare it with a value: '{} = …', or use linregr_train for a quantity.",
                self.column.name
            )));
        }
        // SAFETY: a datum of the column's type, copied into a context that lives long enough.
        self.seen.push(unsafe { copy(datum, type_oid) });
        Ok((self.seen.len() - 1) as f64)
    }

    /// Which values were seen.
    ///
    /// # Errors
    /// 22023 where there is one class only and it cannot be told whether it is the positive one.
    pub fn classes(&self) -> Result<Classes> {
        let text = |datum: pg_sys::Datum| {
            // SAFETY: `seen` holds datums of the column's type.
            Some(unsafe { output(datum, self.column.type_oid) })
        };
        match self.seen[..] {
            [] => Ok(Classes {
                negative: None,
                positive: None,
                flipped: false,
                canonical: true,
            }),
            [only] => {
                // SAFETY: a datum of the column's type.
                let value = self.kind.map(|kind| unsafe { kind.read(only) });
                let (zero, one) = (value == Some(0.0), value == Some(1.0));
                if !zero && !one {
                    return Err(Failure::parameter(format!(
                        "dependent variable {} has one distinct value only",
                        self.column.name
                    ))
                    .detail(format!("It is \"{}\".", text(only).unwrap_or_default()))
                    .hint("Two classes are needed; a constant of false/true or 0/1 would be fitted with a warning."));
                }
                Ok(Classes {
                    negative: if zero { text(only) } else { None },
                    positive: if one { text(only) } else { None },
                    flipped: one,
                    canonical: true,
                })
            }
            [first, second, ..] => {
                // SAFETY: datums of the column's type.
                let (values, order) = unsafe {
                    let values = self.kind.map(|kind| [kind.read(first), kind.read(second)]);
                    let order = match (&self.compare, values) {
                        (Some(compare), _) => compare.order(first, second),
                        (None, Some([a, b])) => a.total_cmp(&b),
                        (None, None) => Ordering::Less,
                    };
                    (values, order)
                };
                let flipped = order == Ordering::Greater;
                let (low, high) = if flipped {
                    (second, first)
                } else {
                    (first, second)
                };
                let canonical = matches!(values, Some([0.0, 1.0] | [1.0, 0.0]));
                Ok(Classes {
                    negative: text(low),
                    positive: text(high),
                    flipped,
                    canonical,
                })
            }
        }
    }
}
