//! What `--help` says.

/// A command and what is to be known of it.
pub struct Topic {
    name: &'static str,
    about: &'static str,
    details: &'static str,
}

const TOPICS: &[Topic] = &[
    Topic {
        name: "demo",
        about: "train a model of real data inside a throwaway PostgreSQL",
        details: "\
Builds the extension, starts a cluster that only a socket reaches, loads the red wine quality data,
trains, shows and evaluates a model. In a second act rows come in, a client hears of it, and a
background worker trains a better version, which takes over. The cluster stays up for `psql` until
`stop`; a second run replaces it.

  --dev              the quickly compiled profile",
    },
    Topic {
        name: "psql",
        about: "open a shell on the demo's cluster",
        details: "All arguments are psql's: cargo xtask psql -c 'SELECT 1'",
    },
    Topic {
        name: "stop",
        about: "end the demo and remove its cluster",
        details: "Stops every cluster that `demo` started from this checkout.",
    },
    Topic {
        name: "test",
        about: "run all tests, or those whose names contain a word: test [WORD…]",
        details: "\
  crate/…            unit and documentation tests of the crates that need no server
  sql/…              the regression suites in tests/
  readme, docs/…     the SQL of README.md and of the pages in docs/
  server/…           several sessions, roles and databases, restarts, the demo

  --update           take the results of the sql/ suites as what is expected
  --release          test the release build

Tests on real data need the environment variable PGLEARN_DATA, the folder of the data. With
PGLEARN_LOAD_SECONDS=30 the eight clients of server/faults/load write for 30 seconds, not for 8, and
must get 1,000 statements a second through.",
    },
    Topic {
        name: "bench",
        about: "measure: bench [NAME…]",
        details: "Builds the extension (release) and measures it on a throwaway cluster. Benchmarks:\n",
    },
    Topic {
        name: "prerequisites",
        about: "find PostgreSQL, its headers and libclang, or download them",
        details: "\
Looks at PG_CONFIG, PATH and the usual places. On Debian and Ubuntu what is missing is downloaded
and unpacked below the target folder; nothing is installed. With PGLEARN_PG=download in the
environment, what is installed is ignored.

  --print-env        print the variables that cargo needs to build the extension, for a shell",
    },
    Topic {
        name: "install",
        about: "put the extension into a real server: install --pg-config PATH",
        details: "Builds (release) and copies the library, the control file and the SQL scripts.",
    },
    Topic {
        name: "package",
        about: "make a tarball of the extension",
        details: "Library, control file, SQL scripts, licence, README and its pages, below the target folder.",
    },
];

const COMMON: &str = "  --pg-version N     PostgreSQL 15 (preferred), 16, 17 or 18
  --pg-config PATH   the PostgreSQL to use; also as PG_CONFIG in the environment
  --help             about one command";

impl Topic {
    /// All of it; `list` follows the details.
    pub fn text(&self, list: &str) -> String {
        let Self {
            name,
            about,
            details,
        } = self;
        format!("cargo xtask {name}: {about}\n\n{details}\n{list}\n{COMMON}")
    }
}

/// The help on a command, if there is one of that name.
pub fn topic(name: &str) -> Option<&'static Topic> {
    TOPICS.iter().find(|topic| topic.name == name)
}

/// All commands, a line each.
pub fn overview() -> String {
    let line = |topic: &Topic| format!("  {:<14} {}\n", topic.name, topic.about);
    let commands: String = TOPICS.iter().map(line).collect();
    format!("cargo xtask COMMAND\n\n{commands}\n{COMMON}\n")
}
