//! The terms of a design as a model table names them: `ARRAY[1, age, income]` or one column.

use super::error::Result;
use super::list;
use super::parse;
use super::text;
use pgrx::pg_sys;

/// A term.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    /// A column, its qualification left away.
    Column(String),
    /// A number.
    Constant(f64),
    /// Anything else.
    Other,
}

/// What a text names.
#[derive(Debug, Clone, PartialEq)]
pub enum Terms {
    /// `ARRAY[…]`: its elements.
    Elements(Vec<Term>),
    /// One term, which gives an array.
    Whole(Term),
}

/// Reads a text as PostgreSQL does, casts of a whole `ARRAY[…]` left away. Nothing is looked up.
///
/// # Errors
/// 42601 where it is no single expression.
pub fn terms(argument: &str, written: &str) -> Result<Terms> {
    let target = parse::sole_target(argument, written)?;
    // SAFETY: an expression of the raw parser: each node is of the kind that its tag says.
    unsafe {
        let mut node = target;
        while let Some(cast) = as_node::<pg_sys::TypeCast>(node, pg_sys::NodeTag::T_TypeCast) {
            if (*(*cast).arg).type_ == pg_sys::NodeTag::T_A_Const {
                break;
            }
            node = (*cast).arg;
        }
        match as_node::<pg_sys::A_ArrayExpr>(node, pg_sys::NodeTag::T_A_ArrayExpr) {
            Some(array) => {
                let elements = list::pointers::<pg_sys::Node>((*array).elements);
                Ok(Terms::Elements(
                    elements.into_iter().map(|node| term(node)).collect(),
                ))
            }
            None => Ok(Terms::Whole(term(target))),
        }
    }
}

/// # Safety
/// `node` is a node of the raw parser.
unsafe fn as_node<T>(node: *mut pg_sys::Node, tag: pg_sys::NodeTag) -> Option<*mut T> {
    // SAFETY: every node starts with its tag.
    unsafe { ((*node).type_ == tag).then(|| node.cast()) }
}

/// # Safety
/// `node` is an expression of the raw parser.
unsafe fn term(node: *mut pg_sys::Node) -> Term {
    // SAFETY: as the tags say; names and literals are NUL-terminated.
    unsafe {
        if let Some(column) = as_node::<pg_sys::ColumnRef>(node, pg_sys::NodeTag::T_ColumnRef) {
            let last = list::pointers::<pg_sys::Node>((*column).fields).pop();
            let name =
                last.and_then(|last| as_node::<pg_sys::String>(last, pg_sys::NodeTag::T_String));
            return name.map_or(Term::Other, |name| {
                Term::Column(text::c_string((*name).sval).to_owned())
            });
        }
        let Some(literal) = as_node::<pg_sys::A_Const>(node, pg_sys::NodeTag::T_A_Const) else {
            return Term::Other;
        };
        if (*literal).isnull {
            return Term::Other;
        }
        let value = match (*literal).val.node.type_ {
            pg_sys::NodeTag::T_Integer => Some(f64::from((*literal).val.ival.ival)),
            pg_sys::NodeTag::T_Float => text::c_string((*literal).val.fval.fval).parse().ok(),
            _ => None,
        };
        value.map_or(Term::Other, Term::Constant)
    }
}
