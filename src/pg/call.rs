//! Functions that PostgreSQL calls once a row, without boxing: version-1 entry points whose
//! arguments are read in place. A room declares one by [`entry_point!`](crate::pg::entry_point) and
//! sees a [`Call`]; the matching `CREATE FUNCTION … LANGUAGE c` stands in `sql/catalog`.

use super::array::{self, ArrayView};
use super::cell::CellKind;
use super::error::{Failure, Result};
use super::table::Cell;
use pgrx::{FromDatum, PgSqlErrorCode, pg_sys};

/// Declares a version-1 function: the symbol and the record that describes its calling convention.
/// The body is a `fn(&Call) -> Result<Option<Cell>>`; `None` is NULL. After `answer_double:` it is a
/// `fn(&Call) -> Result<Option<f64>>`, which is quicker.
#[macro_export]
#[doc(hidden)]
macro_rules! pglearn_entry_point {
    ($(#[$doc:meta])* $name:ident, $info:ident, $body:expr) => {
        $crate::pglearn_entry_point!($(#[$doc])* $name, $info, answer: $body);
    };
    ($(#[$doc:meta])* $name:ident, $info:ident, $answer:ident: $body:expr) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// Called by PostgreSQL with the arguments that the SQL declaration states.
        #[unsafe(no_mangle)]
        #[pgrx::pg_guard]
        pub unsafe extern "C-unwind" fn $name(
            fcinfo: pgrx::pg_sys::FunctionCallInfo,
        ) -> pgrx::pg_sys::Datum {
            // SAFETY: PostgreSQL passes a valid call with the declared arguments.
            unsafe { $crate::pg::call::Call::new(fcinfo).$answer($body) }
        }

        #[doc(hidden)]
        #[unsafe(no_mangle)]
        pub extern "C" fn $info() -> *const pgrx::pg_sys::Pg_finfo_record {
            static VERSION_1: pgrx::pg_sys::Pg_finfo_record =
                pgrx::pg_sys::Pg_finfo_record { api_version: 1 };
            &VERSION_1
        }
    };
}

/// A call of a function, its arguments as the SQL declaration states them.
pub struct Call(pub(super) pg_sys::FunctionCallInfo);

impl Call {
    /// # Safety
    /// `fcinfo` is valid for the duration of the call, and the accessors are used by the types of the
    /// SQL declaration.
    #[inline]
    pub unsafe fn new(fcinfo: pg_sys::FunctionCallInfo) -> Self {
        Self(fcinfo)
    }

    /// Runs the body and hands its answer to PostgreSQL.
    #[inline]
    pub fn answer(&self, body: fn(&Self) -> Result<Option<Cell>>) -> pg_sys::Datum {
        match body(self) {
            Ok(cell) => self.datum(cell.and_then(Cell::into_datum)),
            Err(failure) => failure.raise(),
        }
    }

    /// [`answer`](Self::answer) of a function that returns `double precision`.
    #[inline]
    pub fn answer_double(&self, body: fn(&Self) -> Result<Option<f64>>) -> pg_sys::Datum {
        match body(self) {
            Ok(double) => self.datum(double.map(|double| pg_sys::Datum::from(double.to_bits()))),
            Err(failure) => failure.raise(),
        }
    }

    #[inline]
    fn datum(&self, answer: Option<pg_sys::Datum>) -> pg_sys::Datum {
        answer.unwrap_or_else(|| {
            // SAFETY: `new` was given a valid call.
            unsafe { (*self.0).isnull = true };
            pg_sys::Datum::from(0)
        })
    }

    #[inline]
    pub(super) fn argument(&self, at: usize) -> pg_sys::NullableDatum {
        // SAFETY: the arguments follow the call's header; `at` is below their declared number.
        unsafe { *(*self.0).args.as_ptr().add(at) }
    }

    /// Whether an argument is NULL.
    #[inline]
    pub fn is_null(&self, at: usize) -> bool {
        self.argument(at).isnull
    }

    /// A `double precision` argument that is not NULL.
    #[inline]
    pub fn double(&self, at: usize) -> f64 {
        // SAFETY: declared as double precision, passed by value.
        unsafe { CellKind::Float8.read(self.argument(at).value) }
    }

    /// The elements of a `double precision[]` argument that is not NULL, as bytes at any alignment;
    /// `None` where an element is NULL.
    ///
    /// # Errors
    /// 2202E for an array of several dimensions, XX001 for one that is none.
    #[inline]
    pub fn doubles(&self, at: usize) -> Result<Option<&[u8]>> {
        // SAFETY: declared as double precision[]; the bytes live as long as the call.
        let bytes = unsafe { array::varlena_bytes(self.argument(at).value) };
        let Some(view) = ArrayView::parse(bytes) else {
            return Err(invalid_array());
        };
        if view.dimensions > 1 {
            return Err(several_dimensions(view.dimensions));
        }
        if view.has_null {
            // Before the elements are looked for: NULLs take no place among their bytes.
            return Ok(None);
        }
        let elements = view.fixed(CellKind::Float8);
        elements.map(Some).ok_or_else(invalid_array)
    }

    /// The contents of a `bytea` argument that is not NULL.
    #[inline]
    pub fn bytes(&self, at: usize) -> &[u8] {
        // SAFETY: declared as bytea; the bytes live as long as the call.
        unsafe { array::varlena_bytes(self.argument(at).value) }
    }

    /// A `cstring` argument that is not NULL.
    pub fn c_string(&self, at: usize) -> &str {
        // SAFETY: declared as cstring: NUL-terminated, and lives as long as the call.
        unsafe { super::text::c_string(self.argument(at).value.cast_mut_ptr()) }
    }

    /// An argument that is not NULL, of `oid` or a type of the same kind.
    pub fn oid(&self, at: usize) -> pg_sys::Oid {
        pg_sys::Oid::from(self.argument(at).value.value() as u32)
    }

    /// A `text` argument.
    pub fn text(&self, at: usize) -> Option<String> {
        let argument = self.argument(at);
        // SAFETY: declared as text.
        unsafe { String::from_datum(argument.value, argument.isnull) }
    }

    /// A row of the function's composite result type.
    ///
    /// # Errors
    /// XX000 where the declared type has other columns.
    pub fn row(&self, cells: Vec<Cell>) -> Result<Cell> {
        let mut row = std::ptr::null_mut();
        // SAFETY: the cells are as many as the columns of the declared result type; their types are
        // those that the SQL beside this function states.
        unsafe {
            let class = pg_sys::get_call_result_type(self.0, std::ptr::null_mut(), &mut row);
            if class != pg_sys::TypeFuncClass::TYPEFUNC_COMPOSITE
                || usize::try_from((*row).natts) != Ok(cells.len())
            {
                return Err(Failure::internal("the result type has other columns"));
            }
            let datums: Vec<_> = cells.into_iter().map(Cell::into_datum).collect();
            let mut nulls: Vec<bool> = datums.iter().map(Option::is_none).collect();
            let mut values: Vec<_> = datums
                .into_iter()
                .map(|d| d.unwrap_or(pg_sys::Datum::from(0)))
                .collect();
            let tuple = pg_sys::heap_form_tuple(
                pg_sys::BlessTupleDesc(row),
                values.as_mut_ptr(),
                nulls.as_mut_ptr(),
            );
            Ok(Cell::from_datum(pg_sys::HeapTupleHeaderGetDatum(
                (*tuple).t_data,
            )))
        }
    }
}

#[cold]
fn invalid_array() -> Failure {
    Failure::new(PgSqlErrorCode::ERRCODE_DATA_CORRUPTED, "invalid array")
}

#[cold]
fn several_dimensions(dimensions: i32) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_ARRAY_ELEMENT_ERROR,
        format!("an array of {dimensions} dimensions where one is needed"),
    )
}

/// Collects the rows of a function that returns a set, straight into a tuple store.
pub struct ResultRows {
    store: *mut pg_sys::Tuplestorestate,
    row: pg_sys::TupleDesc,
}

impl ResultRows {
    /// Sets the call up to return a set.
    ///
    /// # Errors
    /// 0A000 where the caller cannot take one.
    pub fn new(call: &Call) -> Result<Self> {
        // SAFETY: InitMaterializedSRF raises where a set is not wanted, else it fills resultinfo.
        unsafe {
            pg_sys::InitMaterializedSRF(call.0, 0);
            let info = (*call.0).resultinfo.cast::<pg_sys::ReturnSetInfo>();
            if info.is_null() || (*info).setResult.is_null() {
                return Err(Failure::new(
                    PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                    "set-valued function called in a context that cannot accept a set",
                ));
            }
            Ok(Self {
                store: (*info).setResult,
                row: (*info).setDesc,
            })
        }
    }

    /// Adds a row.
    pub fn push<const N: usize>(&mut self, cells: &[Option<f64>; N]) {
        let mut nulls = cells.map(|cell| cell.is_none());
        let mut values = cells.map(|cell| pg_sys::Datum::from(cell.unwrap_or(0.0).to_bits()));
        // SAFETY: the callers' rows have the columns that the SQL declares; natts is compared.
        unsafe {
            if usize::try_from((*self.row).natts) == Ok(N) {
                pg_sys::tuplestore_putvalues(
                    self.store,
                    self.row,
                    values.as_mut_ptr(),
                    nulls.as_mut_ptr(),
                );
            }
        }
    }

    /// Adds a row of cells, as many as the declared columns and of their types.
    pub fn put<const N: usize>(&mut self, cells: [Cell; N]) {
        let datums = cells.map(Cell::into_datum);
        let mut nulls = datums.map(|datum| datum.is_none());
        let mut values = datums.map(|datum| datum.unwrap_or(pg_sys::Datum::from(0)));
        // SAFETY: as above; the store copies what the datums refer to.
        unsafe {
            if usize::try_from((*self.row).natts) == Ok(N) {
                pg_sys::tuplestore_putvalues(
                    self.store,
                    self.row,
                    values.as_mut_ptr(),
                    nulls.as_mut_ptr(),
                );
            }
        }
    }
}
