//! The registry's tables as a look-up reads them: where they are, which column is which.

use super::reference::Choice;
use crate::pg::catalog_scan::{Indexed, Key, Order, Row, Scan, Stamp};
use crate::pg::context::extension_namespace;
use crate::pg::error::Result;
use crate::pg::identity::{self, Role};
use crate::pg::moment;
use pgrx::pg_sys::Oid;
use std::cell::Cell;

/// The alias that serves where a reference names none.
pub const CHAMPION: &str = "champion";

/// The registry's tables, each with the index that a look-up goes by.
#[derive(Debug, Clone, Copy)]
pub struct Catalog {
    /// By name.
    models: Indexed,
    /// By model and number.
    versions: Indexed,
    /// By model and alias.
    aliases: Indexed,
    columns: Columns,
}

/// The numbers of the columns that are read.
#[derive(Debug, Clone, Copy)]
struct Columns {
    model_id: i16,
    name: i16,
    owner: i16,
    grantees: i16,
    version_id: i16,
    version_model: i16,
    version: i16,
    artifact: i16,
    archived_at: i16,
    alias_model: i16,
    alias: i16,
    alias_version: i16,
}

/// A model as its users know it.
#[derive(Debug, Clone)]
pub struct Model {
    /// Number of the model.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Who may change it.
    pub owner: Role,
    /// Who may use it besides.
    grantees: Vec<Role>,
}

impl Model {
    fn of(row: &Row<'_>, columns: &Columns) -> Self {
        Self {
            id: row.big_int(columns.model_id),
            name: row.text(columns.name).unwrap_or_default().to_owned(),
            owner: row.oid(columns.owner),
            grantees: row.oids(columns.grantees),
        }
    }

    /// Whether the current role owns it, was granted it, or inherits either: what the policy `usable`
    /// of the table says too. What nobody owns any more is for nobody but superusers.
    pub fn is_usable(&self) -> bool {
        identity::has_privileges_of(self.owner)
            || !self.is_orphan()
                && (self.grantees.iter()).any(|role| identity::has_privileges_of(*role))
    }

    /// Whether the role that owned it has been dropped, or was missing where a dump was restored.
    pub fn is_orphan(&self) -> bool {
        identity::role_name(self.owner).is_none()
    }
}

/// The row of a version.
pub struct Version<'a> {
    /// Number in the database.
    pub id: i64,
    /// Number in its model.
    pub number: i32,
    /// Which tuple it is.
    pub stamp: Stamp,
    artifact: i16,
    row: Row<'a>,
}

impl Version<'_> {
    /// The stored model.
    ///
    /// # Errors
    /// What `refuse` says of its length in bytes.
    pub fn artifact(&self, refuse: impl FnOnce(usize) -> Result<()>) -> Result<&[u8]> {
        self.row.bytes(self.artifact, refuse)
    }
}

thread_local! {
    /// Where the tables are, with the number of changes of theirs up to which that is so.
    static FOUND: Cell<Option<(u64, Catalog)>> = const { Cell::new(None) };
}

impl Catalog {
    /// Finds the tables.
    ///
    /// # Errors
    /// XX000 where the extension is not whole.
    pub fn find() -> Result<Self> {
        match FOUND.get() {
            Some((changes, catalog)) if changes == moment::catalog_changes() => Ok(catalog),
            _ => Self::look_up(),
        }
    }

    #[cold]
    fn look_up() -> Result<Self> {
        // Read before: what changes meanwhile makes this look-up outdated.
        let changes = moment::catalog_changes();
        let schema = extension_namespace()?;
        let models = Indexed::find(schema, c"models", c"models_name_key")?;
        let number = c"model_versions_model_id_version_key";
        let versions = Indexed::find(schema, c"model_versions", number)?;
        let aliases = Indexed::find(schema, c"model_aliases", c"model_aliases_pkey")?;
        let catalog = Self {
            models,
            versions,
            aliases,
            columns: Columns {
                model_id: models.column(c"model_id")?,
                name: models.column(c"name")?,
                owner: models.column(c"owner")?,
                grantees: models.column(c"grantees")?,
                version_id: versions.column(c"version_id")?,
                version_model: versions.column(c"model_id")?,
                version: versions.column(c"version")?,
                artifact: versions.column(c"artifact")?,
                archived_at: versions.column(c"archived_at")?,
                alias_model: aliases.column(c"model_id")?,
                alias: aliases.column(c"alias")?,
                alias_version: aliases.column(c"version")?,
            },
        };
        moment::watch([
            catalog.models.table,
            catalog.versions.table,
            catalog.aliases.table,
        ]);
        FOUND.set(Some((changes, catalog)));
        Ok(catalog)
    }

    /// The table of the versions: part of what makes one unique in a session.
    pub fn versions_table(&self) -> Oid {
        self.versions.table
    }

    /// The model of a name, whoever may use it.
    ///
    /// # Errors
    /// Those of a scan.
    pub fn model(&self, name: &str) -> Result<Option<Model>> {
        let key = [(self.columns.name, Key::Text(name))];
        let mut scan = Scan::new(self.models, &key, Order::Forward)?;
        Ok(scan.next().map(|row| Model::of(&row, &self.columns)))
    }

    /// The names of the models that the current role may use.
    ///
    /// # Errors
    /// Those of a scan.
    pub fn usable_names(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        let mut scan = Scan::new(self.models, &[], Order::Forward)?;
        while let Some(row) = scan.next() {
            let model = Model::of(&row, &self.columns);
            if model.is_usable() {
                names.push(model.name);
            }
        }
        Ok(names)
    }

    /// The number of the version that an alias of a model stands for.
    ///
    /// # Errors
    /// Those of a scan.
    pub fn alias(&self, model: i64, alias: &str) -> Result<Option<i32>> {
        let keys = [
            (self.columns.alias_model, Key::BigInt(model)),
            (self.columns.alias, Key::Text(alias)),
        ];
        let mut scan = Scan::new(self.aliases, &keys, Order::Forward)?;
        Ok(scan.next().map(|row| row.int(self.columns.alias_version)))
    }

    /// The aliases of a model.
    ///
    /// # Errors
    /// Those of a scan.
    pub fn aliases(&self, model: i64) -> Result<Vec<String>> {
        let key = [(self.columns.alias_model, Key::BigInt(model))];
        let mut scan = Scan::new(self.aliases, &key, Order::Forward)?;
        let mut aliases = Vec::new();
        while let Some(row) = scan.next() {
            aliases.extend(row.text(self.columns.alias).map(str::to_owned));
        }
        Ok(aliases)
    }

    /// Runs `work` on the row of the version that a choice means; `None` where there is none.
    ///
    /// # Errors
    /// Those of a scan and of `work`.
    pub fn version<T>(
        &self,
        model: i64,
        choice: &Choice,
        work: impl FnOnce(Version<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let number = match choice {
            Choice::Version(number) => Some(*number),
            Choice::Alias(alias) => match self.alias(model, alias)? {
                Some(number) => Some(number),
                None => return Ok(None),
            },
            Choice::Serving => self.alias(model, CHAMPION)?,
        };
        match number {
            Some(number) => {
                let keys = [
                    (self.columns.version_model, Key::BigInt(model)),
                    (self.columns.version, Key::Int(number)),
                ];
                let mut scan = Scan::new(self.versions, &keys, Order::Forward)?;
                scan.next()
                    .map(|row| work(self.version_of(row)))
                    .transpose()
            }
            None => {
                let key = [(self.columns.version_model, Key::BigInt(model))];
                let mut scan = Scan::new(self.versions, &key, Order::Backward)?;
                while let Some(row) = scan.next() {
                    if row.is_null(self.columns.archived_at) {
                        return work(self.version_of(row)).map(Some);
                    }
                }
                Ok(None)
            }
        }
    }

    /// The numbers of a model's versions, newest first.
    ///
    /// # Errors
    /// Those of a scan.
    pub fn version_numbers(&self, model: i64) -> Result<Vec<i32>> {
        let key = [(self.columns.version_model, Key::BigInt(model))];
        let mut scan = Scan::new(self.versions, &key, Order::Backward)?;
        let mut numbers = Vec::new();
        while let Some(row) = scan.next() {
            numbers.push(row.int(self.columns.version));
        }
        Ok(numbers)
    }

    fn version_of<'a>(&self, row: Row<'a>) -> Version<'a> {
        Version {
            id: row.big_int(self.columns.version_id),
            number: row.int(self.columns.version),
            stamp: row.stamp,
            artifact: self.columns.artifact,
            row,
        }
    }
}
