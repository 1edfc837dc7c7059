//! What does an item say about types and how they print?

use std::collections::{BTreeMap, BTreeSet};

use syn::{
    Attribute, Item, ItemImpl, Type, UseTree, Visibility,
    buffer::{Cursor, TokenBuffer},
};

/// How a type prints: by the last of these traits that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Prints {
    Debug,
    Display,
    Error,
}

impl Prints {
    /// The trait of this name, in `std` or in a derive macro.
    fn of_trait(name: &str) -> Option<Self> {
        match name {
            "Debug" => Some(Self::Debug),
            "Display" => Some(Self::Display),
            "Error" => Some(Self::Error),
            _ => None,
        }
    }
}

/// What the items of one crate say.
#[derive(Default)]
pub(crate) struct Declarations {
    /// The paths of public types, each with the name under which `impl` blocks know it.
    types: Vec<(String, String)>,
    /// Who has which of the traits, by name.
    impls: BTreeSet<(String, Prints)>,
    /// `impl` blocks whose trait may be one of ours under another name, such as `StdError`.
    unresolved: Vec<(String, String)>,
    aliases: BTreeMap<String, Prints>,
}

impl Declarations {
    /// Notes what `item` says; `public_path` is the path of the module around it.
    pub(crate) fn read(&mut self, item: &Item, public_path: &str) {
        match item {
            Item::Struct(it) if !is_for_tests(&it.attrs) => {
                self.declare(&it.ident.to_string(), &it.vis, &it.attrs, public_path);
            }
            Item::Enum(it) if !is_for_tests(&it.attrs) => {
                self.declare(&it.ident.to_string(), &it.vis, &it.attrs, public_path);
            }
            Item::Union(it) if !is_for_tests(&it.attrs) => {
                self.declare(&it.ident.to_string(), &it.vis, &it.attrs, public_path);
            }
            Item::Impl(it) if !is_for_tests(&it.attrs) => self.implement(it),
            Item::Use(it) => self.note_aliases(&it.tree),
            Item::Macro(it) => assert!(
                !names_a_type(TokenBuffer::new2(it.mac.tokens.clone()).begin()),
                "a macro in {public_path} declares types, which this list cannot see: write them out, or teach the list"
            ),
            _ => {}
        }
    }

    /// The public types that print, by path.
    pub(crate) fn printing_types(self) -> BTreeMap<String, Prints> {
        let mut impls = self.impls;
        for (name, alias) in self.unresolved {
            impls.extend(self.aliases.get(&alias).map(|prints| (name, *prints)));
        }
        let mut printing = BTreeMap::new();
        for (path, name) in self.types {
            let prints =
                impls.iter().filter(|(known, _)| *known == name).map(|(_, prints)| *prints);
            if let Some(prints) = prints.max() {
                assert!(printing.insert(path.clone(), prints).is_none(), "there are two {path}");
            }
        }
        printing
    }

    fn declare(&mut self, name: &str, vis: &Visibility, attrs: &[Attribute], public_path: &str) {
        for derived in attrs.iter().flat_map(derived_traits) {
            self.impls.insert((name.to_owned(), derived));
        }
        // `pub(crate)` and the like are `Visibility::Restricted`.
        if matches!(vis, Visibility::Public(_)) {
            self.types.push((format!("{public_path}::{name}"), name.to_owned()));
        }
    }

    fn implement(&mut self, block: &ItemImpl) {
        let Some((implemented, _)) = &block.trait_ else { return };
        let Type::Path(of) = &*block.self_ty else { return };
        let last = |path: &syn::Path| path.segments.last().map(|it| it.ident.to_string());
        let (Some(name), Some(implemented)) = (last(&of.path), last(implemented)) else { return };
        match Prints::of_trait(&implemented) {
            Some(prints) => drop(self.impls.insert((name, prints))),
            None => self.unresolved.push((name, implemented)),
        }
    }

    fn note_aliases(&mut self, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => self.note_aliases(&path.tree),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.note_aliases(tree)),
            UseTree::Rename(renamed) => {
                if let Some(prints) = Prints::of_trait(&renamed.ident.to_string()) {
                    self.aliases.insert(renamed.rename.to_string(), prints);
                }
            }
            _ => {}
        }
    }
}

/// Whether an item is there in tests only.
pub(crate) fn is_for_tests(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attribute| {
        let Ok(list) = attribute.meta.require_list() else { return false };
        let condition = list.tokens.to_string().replace(' ', "");
        list.path.is_ident("cfg") && (condition == "test" || condition.starts_with("all(test,"))
    })
}

/// Those of our traits that an attribute derives, also under a condition.
fn derived_traits(attribute: &Attribute) -> Vec<Prints> {
    let derives = attribute.path().is_ident("derive") || attribute.path().is_ident("cfg_attr");
    let Ok(list) = attribute.meta.require_list() else { return Vec::new() };
    if !derives {
        return Vec::new();
    }
    let tokens = list.tokens.to_string();
    tokens.split(|c: char| !c.is_alphanumeric() && c != '_').filter_map(Prints::of_trait).collect()
}

fn names_a_type(mut cursor: Cursor<'_>) -> bool {
    loop {
        if let Some((word, next)) = cursor.ident() {
            if ["struct", "enum", "union"].iter().any(|keyword| word == keyword) {
                return true;
            }
            cursor = next;
        } else if let Some((inside, _, _, next)) = cursor.any_group() {
            if names_a_type(inside) {
                return true;
            }
            cursor = next;
        } else if let Some((_, next)) = cursor.token_tree() {
            cursor = next;
        } else {
            return false;
        }
    }
}
