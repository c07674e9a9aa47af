//! A training query built from checked text, shaped at the level of PostgreSQL's `Query`:
//! `ARRAY[a, b, c]` becomes three columns, so that no array is built per row; a query that only
//! needs columns of one table selects the whole row, so that nothing is projected per row.

use super::cell::CellKind;
use super::error::{Failure, Result};
use super::list;
use super::parse::{self, Source};
use super::targets::{Target, element_name, replace_targets, whole_row};
use pgrx::{PgSqlErrorCode, pg_sys};
use std::ffi::{CStr, CString};
use std::ops::Range;

/// One expression with the argument that it came from.
#[derive(Debug, Clone)]
pub struct Expression {
    /// The argument's name, for errors.
    pub argument: &'static str,
    /// Checked text, in parentheses.
    sql: String,
    /// What the user wrote.
    pub written: String,
}

impl Expression {
    /// The checked text, in parentheses.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// What messages call it.
    pub fn name(&self) -> String {
        parse::excerpt(&self.written).into_owned()
    }

    /// Checks an argument's text.
    ///
    /// # Errors
    /// 42601.
    pub fn new(argument: &'static str, text: &str) -> Result<Self> {
        Ok(Self {
            argument,
            sql: parse::expression(argument, text)?,
            written: text.trim().to_owned(),
        })
    }
}

/// Columns of a query at the most: the executor's limit is 1664 and is not checked where no tuple is
/// formed. The elements of a longer `ARRAY[…]` stay together.
const MAX_TARGETS: usize = 1600;

/// What the design matrix consists of.
#[derive(Debug)]
pub enum DesignInput {
    /// One expression that gives an array.
    Vector(Expression),
    /// One expression a column.
    Scalars(Vec<Expression>),
}

/// What to read.
#[derive(Debug)]
pub struct Request<'a> {
    /// From where.
    pub source: &'a Source,
    /// The dependent variable.
    pub outcome: Option<Expression>,
    /// The independent variables.
    pub design: DesignInput,
    /// Columns whose values make groups.
    pub grouping: &'a [String],
}

/// Where a value stands in the slots that the query delivers.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Attribute, from 0.
    pub att: usize,
    /// Type.
    pub kind: CellKind,
}

/// How the design is delivered.
#[derive(Debug)]
pub enum DesignLayout {
    /// One scalar a column.
    Columns(Vec<Column>),
    /// One array a row.
    Array(Column),
}

impl DesignLayout {
    /// The attributes, where all are doubles and stand side by side in the order of the design.
    pub fn adjacent_doubles(&self) -> Option<Range<usize>> {
        let Self::Columns(columns) = self else {
            return None;
        };
        let start = columns.first()?.att;
        columns
            .iter()
            .zip(start..)
            .all(|(column, att)| column.att == att && column.kind == CellKind::Float8)
            .then_some(start..start + columns.len())
    }
}

/// A value of any type, by attribute.
#[derive(Debug, Clone)]
pub struct AnyColumn {
    /// Attribute, from 0.
    pub att: usize,
    /// Column name.
    pub name: String,
    /// Type, the base type of a domain.
    pub type_oid: pg_sys::Oid,
    /// Type as declared.
    pub declared: pg_sys::Oid,
    /// Type modifier.
    pub typmod: i32,
    /// Collation.
    pub collation: pg_sys::Oid,
}

/// A planned query and where its values stand.
#[derive(Debug)]
pub struct Prepared {
    /// The plan.
    pub plan: *mut pg_sys::PlannedStmt,
    /// The text, which the executor wants to point at.
    pub text: CString,
    /// The dependent variable.
    pub outcome: Option<AnyColumn>,
    /// The independent variables.
    pub design: DesignLayout,
    /// The group columns.
    pub groups: Vec<AnyColumn>,
    /// What users call the columns of the design; the last name with `[]` stands for an array.
    pub names: Vec<String>,
    /// Attributes to be deformed.
    pub last_attribute: usize,
    /// Rows the planner expects.
    pub expected_rows: f64,
    /// Whether that rests on statistics of the one table that is read.
    pub analysed: bool,
}

/// Parses, analyses, shapes and plans. The nodes live in the current memory context.
///
/// # Errors
/// Whatever parse analysis raises (unknown columns, no privilege), 42804 for types that are no
/// numbers, 42803 for aggregates, 0A000 for set-returning functions.
pub fn prepare(request: &Request<'_>) -> Result<Prepared> {
    let text = parse::c_string(&query_text(request))?;
    let query = analyse(&text)?;
    // SAFETY: parse analysis returned a Query; its target list holds TargetEntry nodes.
    let entries = unsafe { list::pointers::<pg_sys::TargetEntry>((*query).targetList) };
    refuse_what_changes_rows(query)?;

    let asked = request.grouping.len()
        + usize::from(request.outcome.is_some())
        + match &request.design {
            DesignInput::Vector(_) => 1,
            DesignInput::Scalars(list) => list.len(),
        };
    if entries.len() != asked {
        return Err(Failure::internal("an argument gave several columns"));
    }
    let mut targets = Vec::new();
    let mut next = entries.into_iter();
    let mut groups = Vec::new();
    for name in request.grouping {
        let entry = next
            .next()
            .ok_or_else(|| Failure::internal("missing group column"))?;
        let column = any_column(entry, targets.len(), name.clone());
        refuse_what_no_table_has(&column)?;
        groups.push(column);
        // SAFETY: `entry` is a TargetEntry of the query.
        let expr = unsafe { (*entry).expr.cast() };
        let entry = Some(entry);
        targets.push(Target { expr, entry });
    }
    let mut outcome = None;
    if let Some(expression) = &request.outcome {
        let entry = next
            .next()
            .ok_or_else(|| Failure::internal("missing outcome"))?;
        outcome = Some(any_column(entry, targets.len(), expression.name()));
        // SAFETY: `entry` is a TargetEntry of the query.
        let expr = unsafe { (*entry).expr.cast() };
        targets.push(Target { expr, entry: None });
    }
    let mut names = Vec::new();
    let mut design = match &request.design {
        DesignInput::Vector(expression) => {
            let entry = next
                .next()
                .ok_or_else(|| Failure::internal("missing design"))?;
            vector(query, entry, expression, &mut targets, &mut names)?
        }
        DesignInput::Scalars(expressions) => {
            let mut columns = Vec::new();
            for expression in expressions {
                let entry = next
                    .next()
                    .ok_or_else(|| Failure::internal("missing column"))?;
                // SAFETY: `entry` is a TargetEntry of the query.
                let node = unsafe { (*entry).expr.cast() };
                columns.push(scalar(
                    node,
                    &mut targets,
                    &|| expression.name(),
                    expression.argument,
                )?);
                names.push(expression.name());
            }
            DesignLayout::Columns(columns)
        }
    };
    let attributes = if request.grouping.is_empty() {
        whole_row(query, &targets)
    } else {
        None
    };
    if let Some(attributes) = &attributes {
        let place = |att: &mut usize| *att = attributes[*att];
        outcome.iter_mut().for_each(|column| place(&mut column.att));
        match &mut design {
            DesignLayout::Columns(columns) => columns.iter_mut().for_each(|c| place(&mut c.att)),
            DesignLayout::Array(column) => place(&mut column.att),
        }
    } else {
        replace_targets(query, &targets);
    }
    let last_attribute = attributes.as_ref().map_or(targets.len(), |list| {
        list.iter().max().map_or(0, |max| max + 1)
    });
    let plan = plan(query, &text)?;
    // SAFETY: the planner returned a plan tree.
    let expected_rows = unsafe { (*(*plan).planTree).plan_rows };
    Ok(Prepared {
        plan,
        text,
        outcome,
        design,
        groups,
        names,
        last_attribute,
        expected_rows,
        analysed: request.source.relation.is_some_and(analysed),
    })
}

/// Whether a relation has been vacuumed or analysed, so that its number of rows is known. Before that
/// the planner guesses from the size of the file, and is far off for long arrays.
pub(super) fn analysed(relation: pg_sys::Oid) -> bool {
    // SAFETY: the relation is locked since its name was looked up.
    let relation = unsafe {
        pgrx::PgRelation::with_lock(relation, pg_sys::AccessShareLock as pg_sys::LOCKMODE)
    };
    relation.reltuples().is_some_and(|rows| rows > 0.0)
}

fn query_text(request: &Request<'_>) -> String {
    let quoted: Vec<String> = request
        .grouping
        .iter()
        .map(pgrx::spi::quote_identifier)
        .collect();
    let mut targets = quoted.clone();
    targets.extend(request.outcome.iter().map(|e| e.sql.clone()));
    match &request.design {
        DesignInput::Vector(expression) => targets.push(expression.sql.clone()),
        DesignInput::Scalars(list) => targets.extend(list.iter().map(|e| e.sql.clone())),
    }
    let mut text = format!(
        "SELECT {} FROM {}",
        targets.join(", "),
        request.source.from_item
    );
    if !quoted.is_empty() {
        // By position: a name in ORDER BY could mean an output column of the same name.
        let positions: Vec<String> = (1..=quoted.len()).map(|i| i.to_string()).collect();
        text.push_str(" ORDER BY ");
        text.push_str(&positions.join(", "));
    }
    text
}

/// Parse analysis of one SELECT.
pub(super) fn analyse(text: &CStr) -> Result<*mut pg_sys::Query> {
    // SAFETY: `text` is NUL-terminated and was checked piece by piece to be one SELECT.
    unsafe {
        let statements = list::pointers::<pg_sys::RawStmt>(pg_sys::raw_parser(
            text.as_ptr(),
            pg_sys::RawParseMode::RAW_PARSE_DEFAULT,
        ));
        let [statement] = statements[..] else {
            return Err(Failure::internal("not one statement"));
        };
        let query = pg_sys::parse_analyze_fixedparams(
            statement,
            text.as_ptr(),
            std::ptr::null(),
            0,
            std::ptr::null_mut(),
        );
        if (*query).commandType != pg_sys::CmdType::CMD_SELECT || !(*query).utilityStmt.is_null() {
            return Err(Failure::internal("not a SELECT"));
        }
        Ok(query)
    }
}

fn refuse_what_changes_rows(query: *mut pg_sys::Query) -> Result<()> {
    // SAFETY: `query` is a Query of parse analysis.
    let query = unsafe { &*query };
    if query.hasAggs {
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_GROUPING_ERROR,
            "aggregate functions are not allowed in the variables",
        )
        .hint("Give a SELECT that computes the aggregate as the source."));
    }
    if query.hasTargetSRFs {
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            "set-returning functions are not allowed in the variables",
        )
        .hint("Give a SELECT that expands the rows as the source."));
    }
    Ok(())
}

/// A group column becomes a column of the output: told before any row is read where it cannot.
fn refuse_what_no_table_has(column: &AnyColumn) -> Result<()> {
    const SYSTEM: [&str; 6] = ["tableoid", "ctid", "xmin", "cmin", "xmax", "cmax"];
    let refuse = |why: String| {
        Failure::new(
            PgSqlErrorCode::ERRCODE_INVALID_TABLE_DEFINITION,
            format!("cannot group by column \"{}\"", column.name),
        )
        .detail(why)
    };
    if SYSTEM.contains(&column.name.as_str()) {
        return Err(refuse("It has the name of a system column.".to_owned())
            .hint("Give it another name: source 'SELECT xmin AS version, * FROM …'."));
    }
    // SAFETY: a syscache look-up.
    if unsafe { pg_sys::get_typtype(column.type_oid) } as u8 == b'p' {
        let name = type_name(column.type_oid);
        return Err(refuse(format!(
            "No table can have a column of type {name}."
        )));
    }
    Ok(())
}

fn any_column(entry: *mut pg_sys::TargetEntry, att: usize, name: String) -> AnyColumn {
    // SAFETY: `entry` is a TargetEntry of an analysed query; the functions read its expression.
    unsafe {
        let expr = (*entry).expr.cast();
        AnyColumn {
            att,
            name,
            type_oid: pg_sys::getBaseType(pg_sys::exprType(expr)),
            declared: pg_sys::exprType(expr),
            typmod: pg_sys::exprTypmod(expr),
            collation: pg_sys::exprCollation(expr),
        }
    }
}

/// Adds a scalar column, cast to double where its type is not read directly.
fn scalar(
    node: *mut pg_sys::Node,
    targets: &mut Vec<Target>,
    name: &dyn Fn() -> String,
    argument: &str,
) -> Result<Column> {
    // SAFETY: `node` is an analysed expression.
    let type_oid = unsafe { pg_sys::getBaseType(pg_sys::exprType(node)) };
    let (expr, kind) = match CellKind::of(type_oid) {
        Some(kind) => (node, kind),
        None => {
            let cast = cast(node, pg_sys::FLOAT8OID);
            if cast.is_null() {
                return Err(not_numeric(argument, &name(), type_oid));
            }
            (cast, CellKind::Float8)
        }
    };
    targets.push(Target { expr, entry: None });
    Ok(Column {
        att: targets.len() - 1,
        kind,
    })
}

/// Adds the columns of an `ARRAY[…]`, or the one column of any other array.
fn vector(
    query: *mut pg_sys::Query,
    entry: *mut pg_sys::TargetEntry,
    expression: &Expression,
    targets: &mut Vec<Target>,
    names: &mut Vec<String>,
) -> Result<DesignLayout> {
    // SAFETY: `entry` is a TargetEntry of the query; a node starts with its tag.
    let (node, tag) = unsafe {
        let node: *mut pg_sys::Node = (*entry).expr.cast();
        (node, (*node).type_)
    };
    if tag == pg_sys::NodeTag::T_ArrayExpr {
        // SAFETY: the tag says that it is an ArrayExpr.
        let array = unsafe { &*node.cast::<pg_sys::ArrayExpr>() };
        // SAFETY: the elements of an ArrayExpr.
        let elements = unsafe { list::pointers::<pg_sys::Node>(array.elements) };
        if targets.len() + elements.len() > MAX_TARGETS {
            names.push(format!("{}[]", expression.argument));
            return array_column(node, expression, targets);
        }
        if !array.multidims && !elements.is_empty() {
            let mut columns = Vec::new();
            for (i, element) in elements.into_iter().enumerate() {
                let name = element_name(query, element)
                    .unwrap_or_else(|| format!("element {} of {}", i + 1, expression.argument));
                columns.push(scalar(
                    element,
                    targets,
                    &|| name.clone(),
                    expression.argument,
                )?);
                names.push(name);
            }
            return Ok(DesignLayout::Columns(columns));
        }
    }
    names.push(format!("{}[]", expression.name()));
    array_column(node, expression, targets)
}

/// Adds a column that is an array, cast to doubles where its elements are not read directly.
fn array_column(
    node: *mut pg_sys::Node,
    expression: &Expression,
    targets: &mut Vec<Target>,
) -> Result<DesignLayout> {
    // SAFETY: `node` is an analysed expression; a syscache look-up.
    let (type_oid, element) = unsafe {
        let type_oid = pg_sys::getBaseType(pg_sys::exprType(node));
        (type_oid, pg_sys::get_element_type(type_oid))
    };
    let (expr, kind) = match CellKind::of(element) {
        Some(kind) => (node, kind),
        None => {
            let cast = cast(node, pg_sys::FLOAT8ARRAYOID);
            if cast.is_null() {
                return Err(Failure::new(
                    PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
                    format!(
                        "{}: {} is of type {}, which is no array of numbers",
                        expression.argument,
                        expression.name(),
                        type_name(type_oid)
                    ),
                )
                .hint("Write ARRAY[a, b, c], or name a column of type double precision[]."));
            }
            (cast, CellKind::Float8)
        }
    };
    targets.push(Target { expr, entry: None });
    Ok(DesignLayout::Array(Column {
        att: targets.len() - 1,
        kind,
    }))
}

fn cast(node: *mut pg_sys::Node, type_oid: pg_sys::Oid) -> *mut pg_sys::Node {
    // SAFETY: `node` is an analysed expression; NULL comes back where there is no cast.
    unsafe {
        pg_sys::coerce_to_target_type(
            std::ptr::null_mut(),
            node,
            pg_sys::exprType(node),
            type_oid,
            -1,
            pg_sys::CoercionContext::COERCION_EXPLICIT,
            pg_sys::CoercionForm::COERCE_EXPLICIT_CAST,
            -1,
        )
    }
}

fn not_numeric(argument: &str, what: &str, type_oid: pg_sys::Oid) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
        format!(
            "{argument}: {what} is of type {}, which is no number",
            type_name(type_oid)
        ),
    )
}

/// A type's name as SQL writes it.
pub fn type_name(type_oid: pg_sys::Oid) -> String {
    // SAFETY: format_type_be returns a NUL-terminated string for any OID.
    unsafe {
        CStr::from_ptr(pg_sys::format_type_be(type_oid))
            .to_string_lossy()
            .into_owned()
    }
}

/// Rewrites and plans a SELECT.
pub(super) fn plan(query: *mut pg_sys::Query, text: &CStr) -> Result<*mut pg_sys::PlannedStmt> {
    // SAFETY: `query` is a fresh SELECT whose relations parse analysis has locked. Options 0: no
    // parallel plan, whose row order changes from run to run.
    unsafe {
        let rewritten = list::pointers::<pg_sys::Query>(pg_sys::QueryRewrite(query));
        let [query] = rewritten[..] else {
            return Err(Failure::internal("the rewriter returned several queries"));
        };
        Ok(pg_sys::pg_plan_query(
            query,
            text.as_ptr(),
            0,
            std::ptr::null_mut(),
        ))
    }
}
