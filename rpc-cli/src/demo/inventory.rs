//! Structs, enums, options, vectors, maps and bytes.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use rpc_core::{Schema, service};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Something in stock.
#[derive(Clone, Debug, Serialize, Deserialize, Schema)]
pub(super) struct Item {
    /// What it is called; names are unique.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// How many there are, by place.
    pub stock: BTreeMap<String, u32>,
    /// Words to find it by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Anything else.
    pub note: Option<String>,
}

/// What an item is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub(super) enum Kind {
    /// Sold as it is.
    Plain,
    /// Sold by weight, in grams.
    Loose(f64),
    /// Width, height and depth in millimetres.
    Boxed(u32, u32, u32),
    /// Made of other items.
    Kit {
        /// Their names.
        parts: Vec<String>,
    },
}

/// Which items to find: those for which everything that is given holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize, Schema)]
pub(super) struct Filter {
    /// Part of the name.
    pub name: Option<String>,
    /// A tag.
    pub tag: Option<String>,
    /// The least number in stock, all places together.
    #[serde(default)]
    pub at_least: u32,
}

/// Why the inventory refuses.
#[derive(Debug, Serialize, Deserialize, Schema, Error)]
pub(super) enum InventoryError {
    /// There is no item of this name.
    #[error("there is no {0}")]
    #[schema(code = "NOT_FOUND")]
    Unknown(String),
    /// The name is empty.
    #[error("an item needs a name")]
    #[schema(code = "INVALID_ARGUMENT")]
    NoName,
    /// The inventory is full.
    #[error("there is no room for more than {limit} items")]
    #[schema(code = "RESOURCE_EXHAUSTED")]
    Full {
        /// How many items it holds.
        limit: u32,
    },
}

/// A small inventory.
#[service]
pub(crate) trait Inventory {
    /// Adds an item, or replaces the one of its name; tells how many items there are.
    async fn put(&self, item: Item) -> Result<u64, InventoryError>;
    /// One item.
    async fn item(&self, name: String) -> Result<Item, InventoryError>;
    /// All items that a filter lets through, by name.
    async fn find(&self, filter: Filter) -> Vec<Item>;
    /// How many there are of each item.
    async fn totals(&self) -> BTreeMap<String, u64>;
    /// Keeps a picture of an item, up to a megabyte; tells its size.
    async fn set_picture(&self, name: String, picture: Bytes) -> Result<u64, InventoryError>;
    /// The picture of an item, if there is one.
    async fn picture(&self, name: String) -> Option<Bytes>;
}

#[derive(Default)]
pub(super) struct Warehouse {
    // Bounded by: MAX_ITEMS.
    items: Mutex<BTreeMap<String, Stored>>,
}

struct Stored {
    item: Item,
    picture: Option<Bytes>,
}

const MAX_ITEMS: u32 = 1000;
const MAX_PICTURE: usize = 1 << 20;

impl Warehouse {
    /// A warehouse with a few things in it.
    pub(super) fn stocked() -> Self {
        let item = |name: &str, kind, stock: u32, tags: &[&str]| Item {
            name: name.to_owned(),
            kind,
            stock: BTreeMap::from([("main".to_owned(), stock)]),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            note: None,
        };
        let parts = vec!["lamp".to_owned(), "rope".to_owned()];
        let items = [
            item("lamp", Kind::Boxed(120, 300, 120), 7, &["light"]),
            item("rope", Kind::Loose(80.0), 40, &["outdoor"]),
            item("tent", Kind::Kit { parts }, 2, &["outdoor", "light"]),
        ];
        let stored = items.map(|item| (item.name.clone(), Stored { item, picture: None }));
        Self { items: Mutex::new(BTreeMap::from(stored)) }
    }

    fn with<R>(&self, with: impl FnOnce(&mut BTreeMap<String, Stored>) -> R) -> R {
        with(&mut self.items.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn total(item: &Item) -> u64 {
    item.stock.values().map(|&count| u64::from(count)).sum()
}

impl Filter {
    fn lets_through(&self, item: &Item) -> bool {
        self.name.as_ref().is_none_or(|part| item.name.contains(part.as_str()))
            && self.tag.as_ref().is_none_or(|tag| item.tags.contains(tag))
            && total(item) >= u64::from(self.at_least)
    }
}

impl Inventory for Warehouse {
    async fn put(&self, item: Item) -> Result<u64, InventoryError> {
        if item.name.is_empty() {
            return Err(InventoryError::NoName);
        }
        self.with(|items| {
            if !items.contains_key(&item.name) && items.len() >= MAX_ITEMS as usize {
                return Err(InventoryError::Full { limit: MAX_ITEMS });
            }
            let picture = items.remove(&item.name).and_then(|stored| stored.picture);
            items.insert(item.name.clone(), Stored { item, picture });
            Ok(items.len() as u64)
        })
    }

    async fn item(&self, name: String) -> Result<Item, InventoryError> {
        let found = self.with(|items| items.get(&name).map(|stored| stored.item.clone()));
        found.ok_or(InventoryError::Unknown(name))
    }

    async fn find(&self, filter: Filter) -> Vec<Item> {
        self.with(|items| {
            let found = items.values().filter(|stored| filter.lets_through(&stored.item));
            found.map(|stored| stored.item.clone()).collect()
        })
    }

    async fn totals(&self) -> BTreeMap<String, u64> {
        self.with(|items| {
            items.iter().map(|(name, stored)| (name.clone(), total(&stored.item))).collect()
        })
    }

    async fn set_picture(&self, name: String, picture: Bytes) -> Result<u64, InventoryError> {
        let size = picture.len().min(MAX_PICTURE);
        self.with(|items| match items.get_mut(&name) {
            Some(stored) => {
                stored.picture = Some(picture.slice(..size));
                Ok(size as u64)
            }
            None => Err(InventoryError::Unknown(name)),
        })
    }

    async fn picture(&self, name: String) -> Option<Bytes> {
        self.with(|items| items.get(&name).and_then(|stored| stored.picture.clone()))
    }
}
