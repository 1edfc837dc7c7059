//! Which public types are there? The sources say it, so that no list can be forgotten.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use syn::{Item, ItemMod, Visibility};

use crate::declarations::{Declarations, Prints, is_for_tests};

/// Every crate that is published.
pub(crate) const CRATES: [&str; 9] = [
    "networkpype",
    "networkpype-auth",
    "networkpype-core",
    "networkpype-rest",
    "networkpype-schemes",
    "networkpype-throttle",
    "networkpype-time",
    "networkpype-tls",
    "networkpype-ws",
];

/// The public types of all published crates that print, by their path, such as `networkpype_core::Secret`.
pub(crate) fn public_types() -> BTreeMap<String, Prints> {
    let mut types = BTreeMap::new();
    for name in CRATES {
        let root = workspace().join(name).join("src/lib.rs");
        let mut declarations = Declarations::default();
        let public_path = name.replace('-', "_");
        read_file(&root, &root_folder(&root), &public_path, &mut declarations);
        for (path, prints) in declarations.printing_types() {
            assert!(types.insert(path.clone(), prints).is_none(), "there are two {path}");
        }
    }
    types
}

/// The folders of the workspace that hold a crate and are not marked as unpublished.
pub(crate) fn published_crates() -> Vec<String> {
    let folders = fs::read_dir(workspace()).expect("the workspace can be read");
    let mut names: Vec<String> = folders
        .map(|entry| entry.expect("an entry").path())
        .filter(|folder| {
            fs::read_to_string(folder.join("Cargo.toml"))
                .is_ok_and(|manifest| !manifest.contains("publish = false"))
        })
        .filter_map(|folder| Some(folder.file_name()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}

/// Reads the declarations of a source text, as if it were a crate named `public_path`.
pub(crate) fn read_text(text: &str, public_path: &str) -> BTreeMap<String, Prints> {
    let mut declarations = Declarations::default();
    let file = syn::parse_file(text).expect("Rust");
    read_items(file.items, Path::new("/no/files"), public_path, &mut declarations);
    declarations.printing_types()
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn root_folder(root: &Path) -> PathBuf {
    root.parent().expect("a file is in a folder").to_owned()
}

/// `folder` is where the files of the modules that this file declares are.
fn read_file(file: &Path, folder: &Path, public_path: &str, declarations: &mut Declarations) {
    let text = fs::read_to_string(file)
        .unwrap_or_else(|error| panic!("{} cannot be read: {error}", file.display()));
    let parsed = syn::parse_file(&text)
        .unwrap_or_else(|error| panic!("{} cannot be parsed: {error}", file.display()));
    read_items(parsed.items, folder, public_path, declarations);
}

fn read_items(items: Vec<Item>, folder: &Path, public_path: &str, declarations: &mut Declarations) {
    for item in items {
        match item {
            Item::Mod(module) if is_for_tests(&module.attrs) => {}
            Item::Mod(module) => read_module(module, folder, public_path, declarations),
            other => declarations.read(&other, public_path),
        }
    }
}

/// A private module is no part of a public path: what is public in it is exported again further up.
fn read_module(module: ItemMod, folder: &Path, outer: &str, declarations: &mut Declarations) {
    let name = module.ident.to_string();
    let public_path = match module.vis {
        Visibility::Public(_) => format!("{outer}::{name}"),
        _ => outer.to_owned(),
    };
    let inner_folder = folder.join(&name);
    let Some((_, items)) = module.content else {
        assert!(
            !module.attrs.iter().any(|attribute| attribute.path().is_ident("path")),
            "`#[path]` on the module {name} is not understood here"
        );
        let beside = folder.join(format!("{name}.rs"));
        let file = if beside.exists() { beside } else { inner_folder.join("mod.rs") };
        return read_file(&file, &inner_folder, &public_path, declarations);
    };
    read_items(items, &inner_folder, &public_path, declarations);
}
