//! Text that the MADlib-style functions take (relation names, expressions, lists of columns) turned
//! into something safe to use: parsed by PostgreSQL itself, never pasted unseen.

use super::context::SettingScope;
use super::error::{Failure, Result};
use super::list;
use pgrx::{PgSqlErrorCode, PgTryBuilder, pg_sys};
use std::ffi::{CStr, CString};

/// Where rows come from, as text for a FROM clause.
#[derive(Debug, Clone)]
pub struct Source {
    /// A quoted, schema-qualified name or a parenthesised SELECT with an alias.
    pub from_item: String,
    /// The relation, where it is one.
    pub relation: Option<pg_sys::Oid>,
    /// What the user wrote.
    pub written: String,
}

/// A name for a relation to be created.
#[derive(Debug, Clone)]
pub struct NewRelation {
    /// Its schema.
    pub schema: String,
    /// Its name, at most 63 bytes.
    pub name: String,
}

impl NewRelation {
    /// Quoted and qualified.
    pub fn quoted(&self) -> String {
        pgrx::spi::quote_qualified_identifier(&self.schema, &self.name)
    }

    /// A sibling in the same schema; a long name is shortened so that both fit 63 bytes.
    pub fn sibling(&self, suffix: &str) -> Self {
        let room = pg_sys::NAMEDATALEN as usize - 1 - suffix.len();
        let mut end = self.name.len().min(room);
        while !self.name.is_char_boundary(end) {
            end -= 1;
        }
        Self {
            schema: self.schema.clone(),
            name: format!("{}{suffix}", &self.name[..end]),
        }
    }
}

/// A NUL-terminated copy.
pub fn c_string(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Failure::parameter("text contains a NUL byte"))
}

/// As much of a text as a message should repeat.
pub fn excerpt(text: &str) -> std::borrow::Cow<'_, str> {
    const LENGTH: usize = 200;
    match text.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

/// Parses without touching the catalog; the message of a syntax error comes back as `Err`.
fn raw_parse(text: &str) -> Result<std::result::Result<*mut pg_sys::List, String>> {
    let text = c_string(text)?;
    // Only a syntax error (and a few kinds of bad literal) can be raised by the raw parser, which
    // holds no lock or buffer: no subtransaction is needed to catch it.
    let parse = std::panic::AssertUnwindSafe(|| {
        // SAFETY: `text` is a NUL-terminated string that outlives the call.
        Ok(unsafe { pg_sys::raw_parser(text.as_ptr(), pg_sys::RawParseMode::RAW_PARSE_DEFAULT) })
    });
    let syntax = |error| match error {
        pgrx::pg_sys::panic::CaughtError::PostgresError(report)
        | pgrx::pg_sys::panic::CaughtError::ErrorReport(report) => {
            Err(excerpt(report.message().trim_end()).into_owned())
        }
        other => other.rethrow(),
    };
    Ok(PgTryBuilder::new(parse)
        .catch_when(PgSqlErrorCode::ERRCODE_SYNTAX_ERROR, syntax)
        .catch_when(PgSqlErrorCode::ERRCODE_INVALID_TEXT_REPRESENTATION, syntax)
        .catch_when(PgSqlErrorCode::ERRCODE_INVALID_ESCAPE_SEQUENCE, syntax)
        .catch_when(
            PgSqlErrorCode::ERRCODE_NONSTANDARD_USE_OF_ESCAPE_CHARACTER,
            syntax,
        )
        .execute())
}

/// The SELECT of a text that holds exactly that and nothing else.
fn sole_select(text: &str) -> Result<std::result::Result<*mut pg_sys::SelectStmt, String>> {
    let statements = match raw_parse(text)? {
        // SAFETY: what the raw parser returned.
        Ok(statements) => unsafe { list::pointers::<pg_sys::RawStmt>(statements) },
        Err(message) => return Ok(Err(message)),
    };
    let [statement] = statements[..] else {
        return Ok(Err(format!("it holds {} statements", statements.len())));
    };
    // SAFETY: the raw parser returns a list of RawStmt nodes, each with a statement node.
    let node = unsafe { (*statement).stmt };
    // SAFETY: as above; every node starts with its tag.
    if unsafe { (*node).type_ } != pg_sys::NodeTag::T_SelectStmt {
        return Ok(Err("it is not a SELECT".to_owned()));
    }
    Ok(Ok(node.cast()))
}

/// Checks that a text is one value expression, and returns it ready to be put into a target list.
///
/// # Errors
/// 42601 where it is not.
pub fn expression(argument: &str, text: &str) -> Result<String> {
    let refuse = |why: &str| {
        Failure::new(
            PgSqlErrorCode::ERRCODE_SYNTAX_ERROR,
            format!(
                "{argument} is not a single expression: \"{}\"",
                excerpt(text)
            ),
        )
        .detail(format!("The parser says: {why}."))
    };
    if text.trim().is_empty() {
        return Err(refuse("it is empty"));
    }
    let select = match sole_select(&format!("SELECT {text}\n"))? {
        Ok(select) => select,
        Err(message) => return Err(refuse(&message)),
    };
    // SAFETY: `sole_select` returned a SelectStmt node of the raw parser.
    let select = unsafe { &*select };
    // SAFETY: the target list of a raw SelectStmt.
    let targets = unsafe { list::pointers::<pg_sys::ResTarget>(select.targetList) };
    let target = match targets[..] {
        [target] => target,
        [] if is_plain(select) => return Err(refuse("it is empty")),
        _ if is_plain(select) => {
            return Err(
                refuse("a list of expressions").hint("Write ARRAY[a, b, c] for several columns.")
            );
        }
        _ => return Err(refuse("more than one value expression")),
    };
    // SAFETY: a target list of a raw SelectStmt consists of ResTarget nodes.
    let target = unsafe { &*target };
    if !is_plain(select) || !target.name.is_null() {
        return Err(refuse("more than one value expression"));
    }
    if is_star(target.val) {
        return Err(refuse("\"*\" is a list of columns").hint("Write ARRAY[a, b, c]."));
    }
    // What SELECT takes besides expressions (ALL, a semicolon) does not stand in parentheses.
    let sql = format!("({text}\n)");
    match sole_select(&format!("SELECT {sql}"))? {
        Ok(_) => Ok(sql),
        Err(message) => Err(refuse(&message)),
    }
}

/// The raw expression of a text that is one.
///
/// # Errors
/// As [`expression`].
pub(super) fn sole_target(argument: &str, text: &str) -> Result<*mut pg_sys::Node> {
    let checked = expression(argument, text)?;
    let select = sole_select(&format!("SELECT {checked}"))?.map_err(Failure::internal)?;
    // SAFETY: `expression` saw to one target; a raw target list consists of ResTarget nodes.
    unsafe {
        let targets = list::pointers::<pg_sys::ResTarget>((*select).targetList);
        let target = targets
            .first()
            .ok_or_else(|| Failure::internal("no target"))?;
        Ok((**target).val)
    }
}

/// Whether a raw SELECT is a target list and nothing else.
fn is_plain(select: &pg_sys::SelectStmt) -> bool {
    select.op == pg_sys::SetOperation::SETOP_NONE
        && [
            select.distinctClause,
            select.fromClause,
            select.groupClause,
            select.windowClause,
            select.valuesLists,
            select.sortClause,
            select.lockingClause,
        ]
        .iter()
        .all(|clause| clause.is_null())
        && [
            select.whereClause,
            select.havingClause,
            select.limitOffset,
            select.limitCount,
        ]
        .iter()
        .all(|clause| clause.is_null())
        && select.intoClause.is_null()
        && select.withClause.is_null()
}

/// Whether a raw node is `*`, `t.*` or `(row).*`.
fn is_star(node: *mut pg_sys::Node) -> bool {
    // SAFETY: the raw parser sets the value of every target; a node starts with its tag, and the
    // fields of a ColumnRef and the steps of an A_Indirection are nodes.
    unsafe {
        let steps = match (*node).type_ {
            pg_sys::NodeTag::T_ColumnRef => (*node.cast::<pg_sys::ColumnRef>()).fields,
            pg_sys::NodeTag::T_A_Indirection => (*node.cast::<pg_sys::A_Indirection>()).indirection,
            _ => return false,
        };
        list::pointers::<pg_sys::Node>(steps)
            .last()
            .is_some_and(|step| (**step).type_ == pg_sys::NodeTag::T_A_Star)
    }
}

/// A relation name or one SELECT.
///
/// # Errors
/// 42P01, 42809, 42601, 42602.
pub fn source(argument: &str, text: &str) -> Result<Source> {
    if looks_like_query(text) {
        return match sole_select(text)? {
            Ok(select) => {
                // SAFETY: `sole_select` returned a SelectStmt node.
                if unsafe { !(*select).intoClause.is_null() } {
                    return Err(Failure::new(
                        PgSqlErrorCode::ERRCODE_SYNTAX_ERROR,
                        format!("{argument} must not be SELECT INTO"),
                    ));
                }
                let query = text.trim_end().trim_end_matches(';');
                Ok(Source {
                    from_item: format!("({query}\n) AS source"),
                    relation: None,
                    written: text.to_owned(),
                })
            }
            Err(message) => Err(Failure::new(
                PgSqlErrorCode::ERRCODE_SYNTAX_ERROR,
                format!(
                    "{argument} is neither a relation name nor one SELECT: \"{}\"",
                    excerpt(text)
                ),
            )
            .detail(format!("The parser says: {message}."))),
        };
    }
    let relation = resolve(argument, text)?;
    Ok(Source {
        from_item: quoted_name(relation),
        relation: Some(relation),
        written: text.to_owned(),
    })
}

/// What follows the blanks and comments that a text begins with.
fn after_comments(mut text: &str) -> &str {
    let mut depth = 0;
    loop {
        if depth > 0 {
            // Within /* … */, which nests.
            let marks = text.find("/*").into_iter().chain(text.find("*/"));
            let Some(at) = marks.min() else { return "" };
            if text[at..].starts_with("/*") {
                depth += 1;
            } else {
                depth -= 1;
            }
            text = &text[at + 2..];
            continue;
        }
        text = text.trim_start();
        if let Some(comment) = text.strip_prefix("--") {
            text = comment.split_once('\n').map_or("", |(_, rest)| rest);
        } else if let Some(comment) = text.strip_prefix("/*") {
            (text, depth) = (comment, 1);
        } else {
            return text;
        }
    }
}

/// Whether the first word can only start a query.
fn looks_like_query(text: &str) -> bool {
    let text = after_comments(text);
    let word: String = text.chars().take_while(char::is_ascii_alphabetic).collect();
    let rest = &text[word.len()..];
    text.starts_with('(')
        || (["select", "with", "values", "table"].contains(&word.to_ascii_lowercase().as_str())
            && rest.starts_with(|c: char| c.is_whitespace() || c == '(' || c == '*'))
}

/// The OID of an existing relation one can select from, locked against being dropped.
fn resolve(argument: &str, text: &str) -> Result<pg_sys::Oid> {
    let range = range_var(argument, text)?;
    // SAFETY: `range` is a RangeVar made by PostgreSQL; no callback.
    let relation = unsafe {
        pg_sys::RangeVarGetRelidExtended(
            range,
            pg_sys::AccessShareLock as i32,
            pg_sys::RVROption::RVR_MISSING_OK,
            None,
            std::ptr::null_mut(),
        )
    };
    if relation == pg_sys::InvalidOid {
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
            format!("{argument} \"{}\" does not exist", excerpt(text)),
        )
        .hint("Names are looked up on the search_path; give schema.table, and quote mixed case: '\"My Table\"'."));
    }
    // SAFETY: a syscache look-up by OID of a relation we hold a lock on.
    let kind = unsafe { pg_sys::get_rel_relkind(relation) } as u8;
    if !b"rpvmf".contains(&kind) {
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
            format!("{argument} \"{text}\" is not a table or view"),
        ));
    }
    Ok(relation)
}

/// The twin of PostgreSQL's function, whose arguments differ from version to version.
///
/// # Safety
/// Raises 42602 for what is no name.
unsafe fn qualified_name_list(text: &CStr) -> *mut pg_sys::List {
    // SAFETY: `text` is NUL-terminated; the function only allocates and may raise.
    #[cfg(feature = "pg15")]
    unsafe {
        pg_sys::stringToQualifiedNameList(text.as_ptr())
    }
    // SAFETY: as above; without an error context it raises.
    #[cfg(not(feature = "pg15"))]
    unsafe {
        pg_sys::stringToQualifiedNameList(text.as_ptr(), std::ptr::null_mut())
    }
}

/// Whether the current role may create relations in a schema.
///
/// # Safety
/// `namespace` exists.
unsafe fn may_create_in(namespace: pg_sys::Oid) -> pg_sys::AclResult::Type {
    // SAFETY: reads the ACL of a namespace that exists.
    #[cfg(feature = "pg15")]
    unsafe {
        pg_sys::pg_namespace_aclcheck(namespace, pg_sys::GetUserId(), pg_sys::ACL_CREATE as _)
    }
    // SAFETY: as above.
    #[cfg(not(feature = "pg15"))]
    unsafe {
        pg_sys::object_aclcheck(
            pg_sys::NamespaceRelationId,
            namespace,
            pg_sys::GetUserId(),
            pg_sys::ACL_CREATE as _,
        )
    }
}

/// Parses a possibly qualified and quoted name.
pub(super) fn range_var(argument: &str, text: &str) -> Result<*mut pg_sys::RangeVar> {
    let c_text = c_string(text)?;
    let split = std::panic::AssertUnwindSafe(|| {
        // SAFETY: `c_text` is NUL-terminated; both functions only allocate and may raise.
        unsafe {
            let names = qualified_name_list(&c_text);
            Some(pg_sys::makeRangeVarFromNameList(names))
        }
    });
    // The two functions raise for malformed names only and hold nothing.
    PgTryBuilder::new(split)
        .catch_when(PgSqlErrorCode::ERRCODE_INVALID_NAME, |_| None)
        .catch_when(PgSqlErrorCode::ERRCODE_SYNTAX_ERROR, |_| None)
        .execute()
        .ok_or_else(|| {
            Failure::new(
                PgSqlErrorCode::ERRCODE_INVALID_NAME,
                format!("{argument} is not a relation name: \"{}\"", excerpt(text)),
            )
            .hint("Write table, schema.table or '\"My Table\"'.")
        })
}

/// A name that is stored and compared: quoted where it has to be, whatever `quote_all_identifiers` says.
pub fn stored_identifier(name: &str) -> String {
    let _settings = SettingScope::new(&[(c"quote_all_identifiers", c"off")]);
    pgrx::spi::quote_identifier(name)
}

/// The quoted, qualified name of a relation.
pub fn quoted_name(relation: pg_sys::Oid) -> String {
    // SAFETY: syscache look-ups; NULL where the relation has been dropped meanwhile.
    unsafe {
        let schema = pg_sys::get_namespace_name(pg_sys::get_rel_namespace(relation));
        let name = pg_sys::get_rel_name(relation);
        if schema.is_null() || name.is_null() {
            return String::from("\"\"");
        }
        pgrx::spi::quote_qualified_identifier(
            CStr::from_ptr(schema).to_string_lossy(),
            CStr::from_ptr(name).to_string_lossy(),
        )
    }
}

/// The relation of a name, if there is one; locked as for writing.
///
/// # Errors
/// 42602, 42501.
pub fn existing(argument: &str, text: &str) -> Result<Option<pg_sys::Oid>> {
    let range = range_var(argument, text)?;
    // SAFETY: `range` is a RangeVar made by PostgreSQL; no callback.
    let relation = unsafe {
        pg_sys::RangeVarGetRelidExtended(
            range,
            pg_sys::RowExclusiveLock as i32,
            pg_sys::RVROption::RVR_MISSING_OK,
            None,
            std::ptr::null_mut(),
        )
    };
    Ok((relation != pg_sys::InvalidOid).then_some(relation))
}

/// Whether a relation is gone when the session ends.
pub fn is_temporary(relation: pg_sys::Oid) -> bool {
    // SAFETY: a syscache look-up of a relation that is locked since its name was looked up.
    unsafe { pg_sys::get_rel_persistence(relation) as u8 == pg_sys::RELPERSISTENCE_TEMP }
}

/// Checks that a relation can be created under this name: schema there and open to us, name free.
///
/// # Errors
/// 3F000, 42501, 42P07, 42602.
pub fn new_relation(argument: &str, text: &str) -> Result<NewRelation> {
    let range = range_var(argument, text)?;
    // SAFETY: raise in a read-only transaction and on a standby (25006), and in a parallel query
    // (25000), before any work is done in vain.
    unsafe {
        pg_sys::PreventCommandIfReadOnly(c"CREATE TABLE".as_ptr());
        pg_sys::PreventCommandIfParallelMode(c"CREATE TABLE".as_ptr());
    }
    // SAFETY: `range` is a valid RangeVar; raises 3F000 for a missing schema.
    let (namespace, schema, name) = unsafe {
        let namespace = pg_sys::RangeVarGetCreationNamespace(range);
        let schema = pg_sys::get_namespace_name(namespace);
        let schema = CStr::from_ptr(schema).to_string_lossy().into_owned();
        (
            namespace,
            schema,
            CStr::from_ptr((*range).relname)
                .to_string_lossy()
                .into_owned(),
        )
    };
    // SAFETY: reads the ACL of a namespace that exists.
    let allowed = unsafe { may_create_in(namespace) };
    if allowed != pg_sys::AclResult::ACLCHECK_OK {
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("permission denied to create {argument} in schema \"{schema}\""),
        )
        .hint(format!(
            "GRANT CREATE ON SCHEMA {} TO …, or name another schema.",
            pgrx::spi::quote_identifier(&schema)
        )));
    }
    let relation = NewRelation { schema, name };
    must_be_free(argument, &relation, namespace)?;
    Ok(relation)
}

/// Checks that the sibling of a new relation is free as well.
///
/// # Errors
/// 42P07.
pub fn new_sibling(argument: &str, relation: &NewRelation, suffix: &str) -> Result<NewRelation> {
    let sibling = relation.sibling(suffix);
    if sibling.name == relation.name {
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_INVALID_NAME,
            format!("{argument} is too long to make another name with \"{suffix}\" of it"),
        )
        .hint("Choose a shorter name."));
    }
    let schema = c_string(&sibling.schema)?;
    // SAFETY: a look-up by a NUL-terminated name.
    let namespace = unsafe { pg_sys::get_namespace_oid(schema.as_ptr(), true) };
    must_be_free(argument, &sibling, namespace)?;
    Ok(sibling)
}

fn must_be_free(argument: &str, relation: &NewRelation, namespace: pg_sys::Oid) -> Result<()> {
    let name = c_string(&relation.name)?;
    // SAFETY: a look-up by a NUL-terminated name.
    let existing = unsafe { pg_sys::get_relname_relid(name.as_ptr(), namespace) };
    if existing != pg_sys::InvalidOid {
        let summary = c_string(&relation.sibling("_summary").name)?;
        // SAFETY: a look-up by a NUL-terminated name.
        let is_model =
            unsafe { pg_sys::get_relname_relid(summary.as_ptr(), namespace) } != pg_sys::InvalidOid;
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_DUPLICATE_TABLE,
            format!("relation {} already exists", relation.quoted()),
        )
        .detail(format!("{argument} names a table that is to be created."))
        .hint(if is_model {
            let summary = relation.sibling("_summary").quoted();
            format!(
                "DROP TABLE {}, {summary}; or choose another name.",
                relation.quoted()
            )
        } else {
            "Choose another name.".to_owned()
        }));
    }
    Ok(())
}

/// Splits a comma list of column names, quoted where mixed case; NULL or blank means none.
///
/// # Errors
/// 42602.
pub fn column_list(argument: &str, text: Option<&str>) -> Result<Vec<String>> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
        return Ok(Vec::new());
    };
    let refuse = || {
        Failure::new(
            PgSqlErrorCode::ERRCODE_INVALID_NAME,
            format!(
                "{argument} is not a list of column names: \"{}\"",
                excerpt(text)
            ),
        )
        .hint("Write the names of columns separated by commas; for an expression give a SELECT that computes it as the source.")
    };
    let select = sole_select(&format!("SELECT {text}\n"))?.map_err(|_| refuse())?;
    // SAFETY: `sole_select` returned a SelectStmt node, whose targets are ResTarget nodes.
    let targets = unsafe {
        if !is_plain(&*select) {
            return Err(refuse());
        }
        list::pointers::<pg_sys::ResTarget>((*select).targetList)
    };
    let mut names = Vec::new();
    for target in targets {
        // SAFETY: as above; a ColumnRef with one String field is a bare column name.
        let name = unsafe {
            let value = (*target).val;
            if (*value).type_ != pg_sys::NodeTag::T_ColumnRef || !(*target).name.is_null() {
                return Err(refuse());
            }
            let fields =
                list::pointers::<pg_sys::Node>((*value.cast::<pg_sys::ColumnRef>()).fields);
            let [field] = fields[..] else {
                return Err(refuse());
            };
            if (*field).type_ != pg_sys::NodeTag::T_String {
                return Err(refuse());
            }
            CStr::from_ptr((*field.cast::<pg_sys::String>()).sval)
                .to_string_lossy()
                .into_owned()
        };
        if names.contains(&name) {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_DUPLICATE_COLUMN,
                format!("{argument} names column \"{name}\" twice"),
            ));
        }
        names.push(name);
    }
    Ok(names)
}
