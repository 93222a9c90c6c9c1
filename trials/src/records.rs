//! Records as the simulator's dump shows them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// One association of a record, in its own direction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Association {
    /// The type of the record at the other end (`contacts`, or `0-1`).
    pub to_type: String,
    /// The record at the other end.
    pub to: String,
    /// The directed association type.
    pub type_id: u64,
}

/// One record.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its id.
    pub id: String,
    /// Its values; a property without one is not there.
    pub properties: BTreeMap<String, String>,
    /// Its associations.
    pub associations: BTreeSet<Association>,
}

impl Record {
    /// Reads one line of a dump.
    ///
    /// # Panics
    /// If the line is no record.
    pub fn of_line(line: &Value) -> Self {
        let id = line.get("id").and_then(Value::as_str).expect("a record has an id").to_owned();
        let values = line.get("properties").and_then(Value::as_object).expect("a record has properties");
        let value = |(name, value): (&String, &Value)| {
            let text = value.as_str().filter(|text| !text.is_empty())?;
            Some((name.clone(), text.to_owned()))
        };
        let properties = values.iter().filter_map(value).collect();
        Self { id, properties, associations: associations(line.get("associations")) }
    }

    /// A value, or the empty text.
    pub fn value(&self, name: &str) -> &str {
        self.properties.get(name).map_or("", String::as_str)
    }

    /// The ids of the records of a type that it is associated with, each once.
    pub fn linked(&self, to_type: &str) -> BTreeSet<&str> {
        self.associations.iter().filter(|link| link.to_type == to_type).map(|link| link.to.as_str()).collect()
    }
}

/// Reads the associations of a dumped record.
fn associations(list: Option<&Value>) -> BTreeSet<Association> {
    let list = list.and_then(Value::as_array).expect("a record has a list of associations");
    let text = |link: &Value, name: &str| {
        link.get(name).and_then(Value::as_str).expect("an association names its other end").to_owned()
    };
    let read = |link: &Value| Association {
        to_type: text(link, "toObjectType"),
        to: text(link, "toObjectId"),
        type_id: link.get("typeId").and_then(Value::as_u64).expect("an association has a type"),
    };
    list.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_of_the_dump_is_read() {
        let record = Record::of_line(&json!({
            "id": "7", "properties": {"name": "Ada", "city": "", "zip": null},
            "associations": [
                {"toObjectType": "companies", "toObjectId": "9", "typeId": 1},
                {"toObjectType": "companies", "toObjectId": "9", "typeId": 279},
            ],
        }));
        assert_eq!((record.value("name"), record.value("city"), record.value("zip")), ("Ada", "", ""));
        assert_eq!(record.linked("companies"), BTreeSet::from(["9"]));
        assert_eq!(record.associations.len(), 2);
        assert!(record.linked("deals").is_empty());
    }
}
