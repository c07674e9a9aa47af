//! The target list of a training query: what its expressions are called, and which list costs least.

use super::cell::CellKind;
use super::list;
use pgrx::pg_sys;
use std::ffi::CStr;

/// One column of the new target list.
pub(super) struct Target {
    pub(super) expr: *mut pg_sys::Node,
    /// The entry it came from, where it is passed on as it was.
    pub(super) entry: Option<*mut pg_sys::TargetEntry>,
}

/// The column name of a plain column reference, casts to a common array type seen through; the
/// number itself for a constant.
pub(super) fn element_name(query: *mut pg_sys::Query, node: *mut pg_sys::Node) -> Option<String> {
    // SAFETY: nodes are told apart by their tags; a Var of level 0 points into the range table.
    unsafe {
        match (*node).type_ {
            pg_sys::NodeTag::T_Var => {
                let var = node.cast::<pg_sys::Var>();
                if (*var).varlevelsup != 0 || (*var).varattno <= 0 {
                    return None;
                }
                let tables = list::pointers::<pg_sys::RangeTblEntry>((*query).rtable);
                let table = *tables.get(usize::try_from((*var).varno).ok()?.checked_sub(1)?)?;
                let name = pg_sys::get_rte_attribute_name(table, (*var).varattno);
                Some(CStr::from_ptr(name).to_string_lossy().into_owned())
            }
            pg_sys::NodeTag::T_FuncExpr => {
                let call = node.cast::<pg_sys::FuncExpr>();
                let arguments = list::pointers::<pg_sys::Node>((*call).args);
                let implicit = (*call).funcformat != pg_sys::CoercionForm::COERCE_EXPLICIT_CALL;
                if implicit {
                    element_name(query, *arguments.first()?)
                } else {
                    None
                }
            }
            pg_sys::NodeTag::T_RelabelType => {
                element_name(query, (*node.cast::<pg_sys::RelabelType>()).arg.cast())
            }
            pg_sys::NodeTag::T_Const => {
                let constant = node.cast::<pg_sys::Const>();
                let kind = CellKind::of((*constant).consttype)?;
                if (*constant).constisnull {
                    return None;
                }
                Some(format!("constant {}", kind.read((*constant).constvalue)))
            }
            _ => None,
        }
    }
}

/// Where every target is a plain column of the one table of the query, selects the whole row
/// instead: the executor then hands on its slot without projecting. Column privileges are those of
/// the columns asked for (the range table entry keeps them). Returns the attribute of each target.
pub(super) fn whole_row(query: *mut pg_sys::Query, targets: &[Target]) -> Option<Vec<usize>> {
    // SAFETY: nodes of an analysed query; the relation is locked by parse analysis.
    unsafe {
        let tables = list::pointers::<pg_sys::RangeTblEntry>((*query).rtable);
        let [table] = tables[..] else { return None };
        if (*table).rtekind != pg_sys::RTEKind::RTE_RELATION
            || !matches!((*table).relkind as u8, b'r' | b'm')
        {
            return None;
        }
        let mut attributes = Vec::new();
        for target in targets {
            if (*target.expr).type_ != pg_sys::NodeTag::T_Var {
                return None;
            }
            let var = target.expr.cast::<pg_sys::Var>();
            let att = usize::try_from((*var).varattno).ok()?.checked_sub(1)?;
            attributes.push(att);
        }
        let relation = pg_sys::table_open((*table).relid, pg_sys::NoLock as i32);
        let row = pgrx::PgTupleDesc::from_pg_unchecked((*relation).rd_att);
        let columns: Vec<_> = row.iter().collect();
        let dropped = columns.iter().any(|column| column.attisdropped);
        if !dropped {
            let mut entries = std::ptr::null_mut();
            for (i, column) in columns.iter().enumerate() {
                let number = (i + 1) as pg_sys::AttrNumber;
                let var = pg_sys::makeVar(
                    1,
                    number,
                    column.atttypid,
                    column.atttypmod,
                    column.attcollation,
                    0,
                );
                let entry =
                    pg_sys::makeTargetEntry(var.cast(), number, std::ptr::null_mut(), false);
                entries = pg_sys::lappend(entries, entry.cast());
            }
            (*query).targetList = entries;
        }
        pg_sys::table_close(relation, pg_sys::NoLock as i32);
        (!dropped).then_some(attributes)
    }
}

pub(super) fn replace_targets(query: *mut pg_sys::Query, targets: &[Target]) {
    // SAFETY: entries that are passed on keep their sort references; new ones are made fresh.
    unsafe {
        let mut entries = std::ptr::null_mut();
        for (i, target) in targets.iter().enumerate() {
            let number = (i + 1) as pg_sys::AttrNumber;
            let entry = match target.entry {
                Some(entry) => {
                    (*entry).resno = number;
                    entry
                }
                None => {
                    pg_sys::makeTargetEntry(target.expr.cast(), number, std::ptr::null_mut(), false)
                }
            };
            entries = pg_sys::lappend(entries, entry.cast());
        }
        (*query).targetList = entries;
    }
}
