//! Folders of lists. The root has id 0 and no parent; a folder holds folders and lists.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Lists, NAME_CHARS_MAX};
use crate::model::Portal;
use crate::model::answer::{Outcome, Refusal, Reply};
use crate::model::call::{Call, Text};
use crate::model::time;
use crate::model::users::APP_USER;
use crate::wire::Millis;

/// Folders of a portal.
const FOLDERS_MAX: usize = 1_000;
/// Folders inside each other.
const DEPTH_MAX: usize = 10;

/// One folder.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Folder {
    pub(super) name: String,
    parent: u64,
    created_at: Millis,
    updated_at: Millis,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct FolderInput {
    name: Option<String>,
    parent_folder_id: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct MoveInput {
    list_id: Option<Text>,
    new_folder_id: Option<Text>,
}

impl Portal {
    /// Calls below `lists/folders`.
    pub(super) fn dispatch_list_folders(&mut self, tail: &[&str], call: &Call<'_>) -> Outcome {
        let (lists, now) = (&mut self.lists, call.now);
        match (tail, call.method()) {
            ([], &Method::GET) => {
                let id = lists.folder_id(call.query.first("folderId").unwrap_or("0"))?;
                Ok(lists.folder_reply(id))
            }
            ([], &Method::POST) => lists.create_folder(call),
            (["move-list"], &Method::PUT) => lists.move_list(call),
            ([id], &Method::DELETE) => lists.delete_folder(id),
            ([id, "rename"], &Method::PUT) => {
                let id = lists.own_folder(id)?;
                let name = folder_name(call.query.first("newFolderName"))?;
                lists.change_folder(id, now, |folder| folder.name = name);
                Ok(lists.folder_reply(id))
            }
            ([id, "move", parent], &Method::PUT) => {
                let (id, parent) = (lists.own_folder(id)?, lists.folder_id(parent)?);
                if lists.path_to_root(parent).contains(&id) {
                    return Err(Refusal::invalid(format!("Folder {id} cannot be moved into itself")));
                }
                lists.check_depth(parent, lists.height(id))?;
                lists.change_folder(id, now, |folder| folder.parent = parent);
                Ok(lists.folder_reply(id))
            }
            ([] | [_] | [_, "rename"] | [_, "move", _], _) => Err(Refusal::wrong_method()),
            _ => Err(Refusal::no_such_path()),
        }
    }
}

impl Lists {
    /// Reads the id of a folder, the root included.
    pub(super) fn folder_id(&self, key: &str) -> Outcome<u64> {
        let id: u64 = key.parse().map_err(|_| unknown_folder(key))?;
        if id == 0 || self.folders.contains_key(&id) { Ok(id) } else { Err(unknown_folder(key)) }
    }

    /// Reads the id of a folder that can be changed.
    fn own_folder(&self, key: &str) -> Outcome<u64> {
        match self.folder_id(key)? {
            0 => Err(Refusal::invalid("The root folder cannot be changed")),
            id => Ok(id),
        }
    }

    fn create_folder(&mut self, call: &Call<'_>) -> Outcome {
        let input: FolderInput = call.body()?;
        let name = folder_name(input.name.as_deref())?;
        let parent = match &input.parent_folder_id {
            None => 0,
            Some(Text(key)) => self.folder_id(key)?,
        };
        if self.folders.len() >= FOLDERS_MAX {
            return Err(Refusal::invalid(format!("No more than {FOLDERS_MAX} folders are allowed")));
        }
        self.check_depth(parent, 1)?;
        self.last_folder += 1;
        let folder = Folder { name, parent, created_at: call.now, updated_at: call.now };
        self.folders.insert(self.last_folder, folder);
        Ok(self.folder_reply(self.last_folder))
    }

    fn delete_folder(&mut self, key: &str) -> Outcome {
        let id = self.own_folder(key)?;
        let holds_lists = self.by_id.values().any(|list| list.is_live() && list.folder == id);
        if holds_lists || self.folders.values().any(|folder| folder.parent == id) {
            return Err(Refusal::invalid(format!("Folder {id} is not empty")));
        }
        for list in self.by_id.values_mut().filter(|list| list.folder == id) {
            list.folder = 0;
        }
        self.folders.remove(&id);
        Ok(Reply::no_content())
    }

    fn move_list(&mut self, call: &Call<'_>) -> Outcome {
        let input: MoveInput = call.body()?;
        let (Some(Text(list)), Some(Text(folder))) = (input.list_id, input.new_folder_id) else {
            return Err(Refusal::unset_fields(&["listId", "newFolderId"]));
        };
        let folder = self.folder_id(&folder)?;
        self.live_mut(&list)?.folder = folder;
        Ok(Reply::no_content())
    }

    fn change_folder(&mut self, id: u64, now: Millis, change: impl FnOnce(&mut Folder)) {
        if let Some(folder) = self.folders.get_mut(&id) {
            change(folder);
            folder.updated_at = now;
        }
    }

    /// A folder and those above it, itself first.
    fn path_to_root(&self, id: u64) -> Vec<u64> {
        let mut path = vec![id];
        let mut at = id;
        // A folder is never moved below itself, so that this ends.
        while let Some(folder) = self.folders.get(&at) {
            at = folder.parent;
            path.push(at);
        }
        path
    }

    /// How many folders stand inside each other in this one, itself included.
    fn height(&self, id: u64) -> usize {
        let below = self.folders.iter().filter(|(_, folder)| folder.parent == id);
        1 + below.map(|(child, _)| self.height(*child)).max().unwrap_or(0)
    }

    /// Refuses to put so many folders inside each other below a parent.
    fn check_depth(&self, parent: u64, height: usize) -> Outcome<()> {
        if self.path_to_root(parent).len() + height <= DEPTH_MAX + 1 {
            return Ok(());
        }
        Err(Refusal::invalid(format!("No more than {DEPTH_MAX} folders may stand inside each other")))
    }

    fn folder_reply(&self, id: u64) -> Reply {
        Reply::ok(&json!({"folder": self.folder_json(id)}))
    }

    fn folder_json(&self, id: u64) -> Value {
        let lists: Vec<u64> =
            self.by_id.values().filter(|list| list.is_live() && list.folder == id).map(|list| list.id).collect();
        let below = self.folders.iter().filter(|(_, folder)| folder.parent == id);
        let nodes: Vec<Value> = below.map(|(child, _)| self.folder_json(*child)).collect();
        let mut out = json!({"id": id.to_string(), "parentFolderId": "0", "childLists": lists, "childNodes": nodes});
        if let (Some(folder), Some(out)) = (self.folders.get(&id), out.as_object_mut()) {
            let updated = time::iso(folder.updated_at);
            out.insert("parentFolderId".into(), folder.parent.to_string().into());
            out.insert("name".into(), folder.name.as_str().into());
            out.insert("createdAt".into(), time::iso(folder.created_at).into());
            out.insert("updatedAt".into(), updated.clone().into());
            out.insert("updatedContentsAt".into(), updated.into());
            out.insert("userId".into(), APP_USER.into());
        }
        out
    }
}

fn folder_name(given: Option<&str>) -> Outcome<String> {
    let name = given.map(str::trim).filter(|name| !name.is_empty());
    let Some(name) = name else { return Err(Refusal::invalid("Folder name must not be empty")) };
    if name.chars().count() > NAME_CHARS_MAX {
        return Err(Refusal::invalid(format!("Folder name must have at most {NAME_CHARS_MAX} characters")));
    }
    Ok(name.to_owned())
}

fn unknown_folder(key: &str) -> Refusal {
    Refusal::bare(404, format!("Folder does not exist with ID {key}.")).category("OBJECT_NOT_FOUND")
}
