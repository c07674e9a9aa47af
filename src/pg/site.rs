//! What a function knows of the place in a statement where it is called: the types of its arguments,
//! and what it remembers from one row to the next (`fn_extra`).

use super::call::Call;
use super::error::{Failure, Result};
use super::value::ValueKind;
use super::{list, text};
use pglearn_core::value::Value;
use pgrx::pg_sys;
use std::any::TypeId;
use std::cell::RefCell;
use std::ffi::c_void;

/// What a place remembers, behind `fn_extra`.
#[repr(C)]
struct Memory<T> {
    type_id: TypeId,
    content: RefCell<T>,
}

impl Call {
    /// Number of arguments.
    #[inline]
    pub fn arguments(&self) -> usize {
        // SAFETY: `new` was given a valid call.
        usize::try_from(unsafe { (*self.0).nargs }).unwrap_or(0)
    }

    /// The type of an argument, as the statement is written; invalid where that is not known.
    pub fn argument_type(&self, at: usize) -> pg_sys::Oid {
        // SAFETY: reads the call's expression, if there is one; FmgrInfo may be null only where a
        // function is called from C.
        unsafe {
            if (*self.0).flinfo.is_null() {
                return pg_sys::InvalidOid;
            }
            pg_sys::get_fn_expr_argtype((*self.0).flinfo, at as i32)
        }
    }

    /// Whether an argument is a constant of the statement. (PostgreSQL's own test counts parameters
    /// too, which plpgsql changes between the calls of one place.)
    pub fn is_constant(&self, at: usize) -> bool {
        // SAFETY: reads the call's expression, if there is one, as far as it is a function's.
        unsafe {
            let place = (*self.0).flinfo;
            if place.is_null() || (*place).fn_expr.is_null() {
                return false;
            }
            let expression: *const pg_sys::Node = (*place).fn_expr.cast();
            if (*expression).type_ != pg_sys::NodeTag::T_FuncExpr {
                return false;
            }
            let arguments = (*expression.cast::<pg_sys::FuncExpr>()).args;
            let arguments = list::pointers::<pg_sys::Node>(arguments);
            let argument = arguments.get(at);
            argument.is_some_and(|argument| (**argument).type_ == pg_sys::NodeTag::T_Const)
        }
    }

    /// The value of an argument whose type is of this kind; `Missing` for NULL.
    #[inline]
    pub fn value(&self, at: usize, kind: ValueKind) -> Value<'_> {
        let argument = self.argument(at);
        if argument.isnull {
            return Value::Missing;
        }
        // SAFETY: of that kind by contract; copies live in the memory context of the row.
        unsafe { kind.read(argument.value) }
    }

    /// A `double precision` argument; NaN for NULL.
    #[inline]
    pub fn number(&self, at: usize) -> f64 {
        if self.is_null(at) {
            return f64::NAN;
        }
        self.double(at)
    }

    /// The text of an argument of type `unknown`: a literal; `None` for NULL.
    pub fn literal(&self, at: usize) -> Option<&str> {
        let argument = self.argument(at);
        // SAFETY: an unknown is a NUL-terminated string.
        (!argument.isnull).then(|| unsafe { text::c_string(argument.value.cast_mut_ptr()) })
    }

    /// A text argument that is not NULL.
    pub fn str(&self, at: usize) -> &str {
        text::of_server(self.bytes(at))
    }

    /// Runs `work` with what this place remembers, which `new` makes at its first call.
    ///
    /// # Errors
    /// Those of `new` and `work`; XX000 where `work` calls it again for the same place.
    #[inline]
    pub fn remembering<T: 'static, R>(
        &self,
        new: impl FnOnce() -> Result<T>,
        work: impl FnOnce(&mut T) -> Result<R>,
    ) -> Result<R> {
        // SAFETY: `new` was given a valid call; fn_extra of our functions is set by `establish` only.
        let memory = unsafe {
            let place = (*self.0).flinfo;
            if place.is_null() {
                return work(&mut new()?);
            }
            if (*place).fn_extra.is_null() {
                establish(place, new()?);
            }
            &*(*place).fn_extra.cast::<Memory<T>>()
        };
        if memory.type_id != TypeId::of::<T>() {
            return Err(Failure::internal("one function remembers two things"));
        }
        match memory.content.try_borrow_mut() {
            Ok(mut content) => work(&mut content),
            Err(_) => Err(Failure::internal("a function was called inside itself")),
        }
    }

    /// Runs `work` in the memory that lives as long as this place does.
    pub fn in_lasting_memory<R>(&self, work: impl FnOnce() -> R) -> R {
        struct Back(pg_sys::MemoryContext);
        impl Drop for Back {
            fn drop(&mut self) {
                // SAFETY: the context that was current before is still valid.
                unsafe { pg_sys::MemoryContextSwitchTo(self.0) };
            }
        }
        // SAFETY: the context of the function's FmgrInfo is valid during the call.
        unsafe {
            let place = (*self.0).flinfo;
            if place.is_null() {
                return work();
            }
            let _back = Back(pg_sys::MemoryContextSwitchTo((*place).fn_mcxt));
            work()
        }
    }
}

/// Puts `content` behind `fn_extra`, to be dropped with the place's memory context.
///
/// # Safety
/// `place` is the FmgrInfo of the running call, its `fn_extra` null.
#[cold]
unsafe fn establish<T: 'static>(place: *mut pg_sys::FmgrInfo, content: T) {
    // SAFETY: the callback lives in the context that calls it, once, before its memory goes; the
    // content is dropped there and nowhere else. palloc comes first: it may raise.
    unsafe {
        let context = (*place).fn_mcxt;
        let size = size_of::<pg_sys::MemoryContextCallback>();
        let callback: *mut pg_sys::MemoryContextCallback =
            pg_sys::MemoryContextAlloc(context, size).cast();
        let memory = Box::into_raw(Box::new(Memory {
            type_id: TypeId::of::<T>(),
            content: RefCell::new(content),
        }));
        callback.write(pg_sys::MemoryContextCallback {
            func: Some(release::<T>),
            arg: memory.cast(),
            next: std::ptr::null_mut(),
        });
        pg_sys::MemoryContextRegisterResetCallback(context, callback);
        (*place).fn_extra = memory.cast();
    }
}

/// Called by PostgreSQL when the place's memory context goes.
unsafe extern "C-unwind" fn release<T>(memory: *mut c_void) {
    // SAFETY: made by `establish` from a Box of this type; called once.
    drop(unsafe { Box::from_raw(memory.cast::<Memory<T>>()) });
}
