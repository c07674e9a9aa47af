//! The columns of a source.

use crate::pg::cell::CellKind;
use crate::pg::context::SettingScope;
use crate::pg::error::Result;
use crate::pg::list;
use crate::pg::parse::{self, Source};
use crate::pg::query;
use crate::pg::text;
use crate::pg::value::ValueKind;
use pgrx::pg_sys;
use std::ffi::CStr;

/// A column of a source.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceColumn {
    /// Its name.
    pub name: String,
    /// Its type as SQL writes it, modifier included, e.g. `character varying(20)`.
    pub sql_type: String,
    /// Its type; of a domain, the base type.
    pub type_oid: pg_sys::Oid,
    /// How a model reads it; `None` where it cannot, and for arrays.
    pub kind: Option<ValueKind>,
    /// How a model reads the elements of an array of numbers or booleans.
    pub element: Option<CellKind>,
    /// Whether the current role may read it (of a relation; a query answers for itself).
    pub readable: bool,
    /// Whether its values can be hashed, so that they can decide on a side of a split.
    pub hashable: bool,
}

impl SourceColumn {
    /// # Safety
    /// `entry` is a target of an analysed query.
    unsafe fn of(entry: *mut pg_sys::TargetEntry, readable: bool) -> Self {
        // SAFETY: reads a node of parse analysis and the syscache.
        unsafe {
            let expr: *mut pg_sys::Node = (*entry).expr.cast();
            let declared = pg_sys::exprType(expr);
            let type_oid = pg_sys::getBaseType(declared);
            Self {
                name: text::c_string((*entry).resname).to_owned(),
                sql_type: type_text(declared, pg_sys::exprTypmod(expr)),
                type_oid,
                kind: ValueKind::of(type_oid),
                element: element_kind(type_oid),
                readable,
                hashable: super::key::hash_function(type_oid).is_some(),
            }
        }
    }
}

/// A type with its modifier as SQL writes it, with its schema unless that is `pg_catalog`: it is
/// stored, and must mean the same type under any `search_path`.
fn type_text(type_oid: pg_sys::Oid, typmod: i32) -> String {
    let _settings = SettingScope::new(&[
        (c"search_path", c"pg_catalog, pg_temp"),
        (c"quote_all_identifiers", c"off"),
    ]);
    // SAFETY: returns a NUL-terminated string for any OID.
    unsafe {
        CStr::from_ptr(pg_sys::format_type_with_typemod(type_oid, typmod))
            .to_string_lossy()
            .into_owned()
    }
}

/// How the elements of an array type are read, where they are numbers or booleans.
pub fn element_kind(type_oid: pg_sys::Oid) -> Option<CellKind> {
    // SAFETY: syscache look-ups; getBaseType raises for what is no type.
    unsafe {
        match pg_sys::get_base_element_type(type_oid) {
            pg_sys::InvalidOid => None,
            element => CellKind::of(pg_sys::getBaseType(element)),
        }
    }
}

/// Whether the current role may read a column.
fn may_read(relation: pg_sys::Oid, attribute: pg_sys::AttrNumber) -> bool {
    // SAFETY: privilege look-ups on a relation that is locked since its name was looked up.
    unsafe {
        let role = pg_sys::GetUserId();
        let select = pg_sys::ACL_SELECT as pg_sys::AclMode;
        pg_sys::pg_class_aclcheck(relation, role, select) == pg_sys::AclResult::ACLCHECK_OK
            || pg_sys::pg_attribute_aclcheck(relation, attribute, role, select)
                == pg_sys::AclResult::ACLCHECK_OK
    }
}

/// The columns of a source in their order, by parse analysis alone: nothing is run or planned.
///
/// # Errors
/// Whatever parse analysis raises.
pub fn describe(source: &Source) -> Result<Vec<SourceColumn>> {
    let text = parse::c_string(&format!("SELECT * FROM {}", source.from_item))?;
    let query = query::analyse(&text)?;
    // SAFETY: the targets of an analysed query; `SELECT * FROM relation` has one per column that is
    // not dropped.
    unsafe {
        let entries = list::pointers::<pg_sys::TargetEntry>((*query).targetList);
        let mut columns = Vec::with_capacity(entries.len());
        for entry in entries {
            let readable = source
                .relation
                .is_none_or(|relation| may_read(relation, (*entry).resorigcol));
            columns.push(SourceColumn::of(entry, readable));
        }
        Ok(columns)
    }
}

/// The relations that a source names, views as themselves: qualified and quoted, in order, each once.
///
/// # Errors
/// Whatever parse analysis raises.
pub fn relations(source: &Source) -> Result<Vec<String>> {
    let oids = oids(source)?;
    // Names that are compared with stored ones do not depend on who asks.
    let _settings = SettingScope::new(&[(c"quote_all_identifiers", c"off")]);
    let mut names: Vec<String> = oids.into_iter().map(parse::quoted_name).collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// A relation that a source names and no other session sees, if there is one.
///
/// # Errors
/// As [`relations`].
pub fn temporary_relation(source: &Source) -> Result<Option<pg_sys::Oid>> {
    let temporary = |relation: &pg_sys::Oid| parse::is_temporary(*relation);
    Ok(oids(source)?.into_iter().find(temporary))
}

fn oids(source: &Source) -> Result<Vec<pg_sys::Oid>> {
    let text = parse::c_string(&format!("SELECT * FROM {}", source.from_item))?;
    let query = query::analyse(&text)?;
    let (mut relations, mut others) = (std::ptr::null_mut(), std::ptr::null_mut());
    let mut row_security = false;
    // SAFETY: walks the tree of parse analysis and fills the lists.
    unsafe {
        pg_sys::extract_query_dependencies(
            query.cast(),
            &mut relations,
            &mut others,
            &mut row_security,
        );
        Ok(list::oids(relations))
    }
}

/// The labels of an enum type (of a domain, its base type) in their order.
///
/// # Errors
/// None but what the server raises.
pub fn enum_labels(type_oid: pg_sys::Oid) -> Result<Vec<String>> {
    pgrx::Spi::connect(|client| {
        let mut labels = Vec::new();
        let rows = client.select(
            "SELECT e.enumlabel::pg_catalog.text FROM pg_catalog.pg_enum AS e \
             WHERE e.enumtypid OPERATOR(pg_catalog.=) $1 ORDER BY e.enumsortorder USING OPERATOR(pg_catalog.<)",
            None,
            &[type_oid.into()],
        )?;
        for row in rows {
            labels.extend(row.get::<String>(1)?);
        }
        Ok(labels)
    })
}
