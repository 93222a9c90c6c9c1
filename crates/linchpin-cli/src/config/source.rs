//! The systems of record, as the configuration names them.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// One system of record.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Source {
    /// A SQLite database. It is only read.
    Sqlite(Sqlite),
    /// A CSV file, or a folder of CSV files (each is a table). They are only read.
    Csv(Csv),
}

/// A SQLite database: its path, or a map with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sqlite {
    /// The file.
    pub(crate) path: PathBuf,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SqliteFields {
    /// The database file, relative to the configuration.
    path: PathBuf,
}

/// A CSV file, or a folder of them: its path, or a map with it and how the files are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Csv {
    /// The file or folder.
    pub(crate) path: PathBuf,
    /// The character between fields.
    pub(crate) delimiter: u8,
    /// Whether the first line names the columns.
    pub(crate) header: bool,
    /// What an empty field means.
    pub(crate) empty: EmptyField,
}

impl Csv {
    /// Files as most programs write them.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path, delimiter: b',', header: true, empty: EmptyField::Null }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CsvFields {
    /// The file or folder, relative to the configuration.
    path: PathBuf,
    /// The character between the fields. Default: a comma.
    #[serde(default)]
    delimiter: Option<char>,
    /// Whether the first line names the columns. Default: it does; without it they are called `column1` and so on.
    #[serde(default)]
    header: Option<bool>,
    /// What an empty field means. Default: no value.
    #[serde(default)]
    empty: EmptyField,
}

/// What an empty field of a CSV file means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EmptyField {
    /// No value.
    #[default]
    Null,
    /// A text without characters.
    Text,
}

impl From<PathBuf> for Sqlite {
    fn from(path: PathBuf) -> Self {
        Self { path }
    }
}

impl TryFrom<SqliteFields> for Sqlite {
    type Error = &'static str;

    fn try_from(fields: SqliteFields) -> Result<Self, Self::Error> {
        Ok(Self { path: fields.path })
    }
}

impl From<PathBuf> for Csv {
    fn from(path: PathBuf) -> Self {
        Self::at(path)
    }
}

impl TryFrom<CsvFields> for Csv {
    type Error = &'static str;

    fn try_from(fields: CsvFields) -> Result<Self, Self::Error> {
        let plain = Self::at(fields.path);
        let delimiter = fields.delimiter.map_or(Ok(plain.delimiter), delimiter)?;
        Ok(Self { delimiter, header: fields.header.unwrap_or(plain.header), empty: fields.empty, ..plain })
    }
}

fn delimiter(character: char) -> Result<u8, &'static str> {
    match u8::try_from(character) {
        Ok(byte) if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => Ok(byte),
        _ => Err("the delimiter must be one ASCII character, such as ; or \"\\t\", and no quote or line end"),
    }
}

/// Reads a path, or a map of `Fields`.
struct PathOr<T, Fields>(PhantomData<(T, Fields)>);

impl<'de, T, Fields> Visitor<'de> for PathOr<T, Fields>
where
    T: From<PathBuf> + TryFrom<Fields, Error: Display>,
    Fields: Deserialize<'de>,
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path, or a map with `path`")
    }

    fn visit_str<E: de::Error>(self, path: &str) -> Result<T, E> {
        Ok(PathBuf::from(path).into())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        Fields::deserialize(de::value::MapAccessDeserializer::new(map))?.try_into().map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Sqlite {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PathOr::<Self, SqliteFields>(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Csv {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PathOr::<Self, CsvFields>(PhantomData))
    }
}

impl JsonSchema for Sqlite {
    fn schema_name() -> Cow<'static, str> {
        "Sqlite".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        path_or(&generator.subschema_for::<SqliteFields>())
    }
}

impl JsonSchema for Csv {
    fn schema_name() -> Cow<'static, str> {
        "Csv".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        path_or(&generator.subschema_for::<CsvFields>())
    }
}

fn path_or(fields: &Schema) -> Schema {
    json_schema!({"anyOf": [{"type": "string"}, fields]})
}
