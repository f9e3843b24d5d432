//! The public API of `rpc-core`, listed: `docs/api.txt` is held to the sources, so that a change of the API is seen in
//! review. `UPDATE=1 cargo test -p tests --test api` writes it anew.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use quote::{ToTokens, quote};
use syn::{
    Fields, ImplItem, Item, TraitItem, UseTree, Visibility,
    parse::{ParseStream, Parser as _},
};

/// The listed names: those at the root of the crate and in its public modules. Of `proto`, which is declared unstable,
/// only the names at the root.
const PUBLIC_MODULES: [&str; 7] =
    ["codec", "dynamic", "schema", "reflect", "inspect", "layers", "transport/tls"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every item of the crate, test modules apart, with the folder that it is in.
fn items(folder: &Path, found: &mut Vec<(PathBuf, Item)>) {
    let mut entries: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            if !path.ends_with("tests") {
                items(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.ends_with("tests.rs")
            && !path.ends_with("private.rs")
        {
            let file = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
            found.extend(file.items.into_iter().map(|item| (path.clone(), item)));
        }
    }
}

/// The names that a `pub use` brings.
fn names(tree: &UseTree, into: &mut BTreeSet<String>) {
    match tree {
        UseTree::Path(path) => names(&path.tree, into),
        UseTree::Group(group) => group.items.iter().for_each(|tree| names(tree, into)),
        UseTree::Name(name) => {
            into.insert(name.ident.to_string());
        }
        UseTree::Rename(name) => {
            into.insert(name.rename.to_string());
        }
        _ => {}
    }
}

/// Tokens as one line that people can read.
fn text(tokens: impl ToTokens) -> String {
    let text = tokens.to_token_stream().to_string();
    let tight = [
        (" :: ", "::"),
        (" < ", "<"),
        (" > ", "> "),
        (" >", ">"),
        (" , ", ", "),
        (" ,", ","),
        (" ( ", "("),
        (" (", "("),
        ("( ", "("),
        (" ) ", ") "),
        (" )", ")"),
        ("& ", "&"),
        (" : ", ": "),
        (" ;", ";"),
        (" ?", "?"),
        ("> >", ">>"),
        ("' ", "'"),
    ];
    tight.iter().fold(text, |text, (from, to)| text.replace(from, to)).trim().to_owned()
}

/// True if an item is for tests, or hidden from the documentation.
fn is_hidden(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let text = attribute.to_token_stream().to_string();
        text.contains("cfg (test)") || text.contains("doc (hidden)")
    })
}

const fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// A variant without its documentation and what else stands in front of its fields.
fn plain(mut variant: syn::Variant) -> syn::Variant {
    variant.fields.iter_mut().for_each(|field| field.attrs.clear());
    variant
}

/// The items that a macro without arguments puts into an `impl`; none if it is another kind of macro.
fn macro_items(of: &syn::ItemMacro) -> Vec<ImplItem> {
    let parser = |input: ParseStream<'_>| {
        let (arguments, body);
        syn::parenthesized!(arguments in input);
        input.parse::<syn::Token![=>]>()?;
        syn::braced!(body in input);
        input.parse::<Option<syn::Token![;]>>()?;
        let mut items = Vec::new();
        while !body.is_empty() {
            items.push(body.parse()?);
        }
        if arguments.is_empty() { Ok(items) } else { Err(arguments.error("it has arguments")) }
    };
    parser.parse2(of.mac.tokens.clone()).unwrap_or_default()
}

/// Puts what macros of the crate stand for into the `impl`s that name them.
fn expand(all: &mut [(PathBuf, Item)]) {
    let mut macros = BTreeMap::new();
    for (_, item) in all.iter() {
        if let Item::Macro(item) = item
            && let Some(name) = &item.ident
        {
            macros.insert(name.to_string(), macro_items(item));
        }
    }
    for (_, item) in all {
        let Item::Impl(item) = item else { continue };
        let named = item.items.iter().filter_map(|item| match item {
            ImplItem::Macro(item) => macros.get(&item.mac.path.get_ident()?.to_string()),
            _ => None,
        });
        let items: Vec<_> = named.flatten().cloned().collect();
        item.items.extend(items);
    }
}

/// Adds the lines of one item, if it is one of `public`.
fn list(item: &Item, public: &BTreeSet<String>, lines: &mut BTreeSet<String>) {
    match item {
        Item::Struct(item) if is_public(&item.vis) && public.contains(&item.ident.to_string()) => {
            let (name, generics) = (&item.ident, &item.generics);
            lines.insert(format!("struct {}", text(quote!(#name #generics))));
            if let Fields::Named(fields) = &item.fields {
                for field in fields.named.iter().filter(|field| is_public(&field.vis)) {
                    let (field, of) = (&field.ident, &field.ty);
                    lines.insert(format!("{name}.{}", text(quote!(#field: #of))));
                }
            }
        }
        Item::Enum(item) if is_public(&item.vis) && public.contains(&item.ident.to_string()) => {
            let (name, generics) = (&item.ident, &item.generics);
            let open =
                item.attrs.iter().any(|attribute| attribute.path().is_ident("non_exhaustive"));
            let open = if open { " (non-exhaustive)" } else { "" };
            lines.insert(format!("enum {}{open}", text(quote!(#name #generics))));
            for variant in item.variants.clone() {
                let variant = plain(variant);
                let (variant, fields) = (&variant.ident, &variant.fields);
                lines.insert(format!("{name}::{}", text(quote!(#variant #fields))));
            }
        }
        Item::Trait(item) if is_public(&item.vis) && public.contains(&item.ident.to_string()) => {
            let (name, bounds) = (&item.ident, &item.supertraits);
            lines.insert(format!("trait {}", text(quote!(#name: #bounds))));
            for item in &item.items {
                if let TraitItem::Fn(item) = item
                    && !is_hidden(&item.attrs)
                {
                    lines.insert(format!("{name}: {}", text(&item.sig)));
                }
            }
        }
        Item::Fn(item) if is_public(&item.vis) && public.contains(&item.sig.ident.to_string()) => {
            lines.insert(text(&item.sig));
        }
        Item::Impl(item) => list_impl(item, public, lines),
        _ => {}
    }
}

fn list_impl(item: &syn::ItemImpl, public: &BTreeSet<String>, lines: &mut BTreeSet<String>) {
    let syn::Type::Path(path) = &*item.self_ty else { return };
    let Some(of) = path.path.segments.last().filter(|of| public.contains(&of.ident.to_string()))
    else {
        return;
    };
    if let Some((of_trait, _)) = &item.trait_ {
        lines.insert(format!("impl {} for {}", text(of_trait), text(&item.self_ty)));
        return;
    }
    for item in &item.items {
        match item {
            ImplItem::Fn(item) if is_public(&item.vis) && !is_hidden(&item.attrs) => {
                lines.insert(format!("{}::{}", of.ident, text(&item.sig)));
            }
            ImplItem::Const(item) if is_public(&item.vis) => {
                let (name, kind) = (&item.ident, &item.ty);
                lines.insert(format!("{}::const {}", of.ident, text(quote!(#name: #kind))));
            }
            _ => {}
        }
    }
}

/// The public names of each module.
fn public_names<'a>(source: &Path, all: &[(PathBuf, Item)]) -> BTreeMap<&'a str, BTreeSet<String>> {
    let mut modules: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (path, item) in all {
        let folder = path.strip_prefix(source).unwrap();
        let module = match folder.to_str().unwrap() {
            "lib.rs" => "",
            inside => match PUBLIC_MODULES
                .iter()
                .find(|module| **module == inside.strip_suffix("/mod.rs").unwrap_or(""))
            {
                Some(module) => module,
                None => continue,
            },
        };
        let public = modules.entry(module).or_default();
        match item {
            Item::Use(item) if is_public(&item.vis) => names(&item.tree, public),
            Item::Fn(item) if is_public(&item.vis) => {
                public.insert(item.sig.ident.to_string());
            }
            Item::Struct(item) if is_public(&item.vis) => {
                public.insert(item.ident.to_string());
            }
            Item::Enum(item) if is_public(&item.vis) => {
                public.insert(item.ident.to_string());
            }
            Item::Trait(item) if is_public(&item.vis) => {
                public.insert(item.ident.to_string());
            }
            _ => {}
        }
    }
    modules
}

#[test]
fn the_public_api_is_the_one_that_is_listed() {
    let source = root().join("rpc-core/src");
    let mut all = Vec::new();
    items(&source, &mut all);
    expand(&mut all);
    let modules = public_names(&source, &all);
    let mut listing = String::from(
        "The public API of rpc-core, without the module `proto`, which is unstable. Written by tests/api.rs.\n",
    );
    for (module, public) in &modules {
        let mut lines = BTreeSet::new();
        for (path, item) in &all {
            // Two modules may have types of one name: those of the root are everywhere, others in their own folder.
            if module.is_empty() || path.starts_with(source.join(module)) {
                list(item, public, &mut lines);
            }
        }
        listing.push_str(&format!(
            "\n## rpc_core{}{}\n\n",
            if module.is_empty() { "" } else { "::" },
            // A module may be public under its last name alone.
            module.rsplit('/').next().unwrap(),
        ));
        lines.iter().for_each(|line| listing.push_str(&format!("{line}\n")));
    }
    let path = root().join("docs/api.txt");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &listing).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let new: Vec<_> =
        listing.lines().filter(|line| !kept.lines().any(|kept| kept == *line)).collect();
    let gone: Vec<_> =
        kept.lines().filter(|line| !listing.lines().any(|new| new == *line)).collect();
    assert!(
        kept == listing,
        "the public API has changed: new are {new:#?}, gone are {gone:#?}; if that is meant, UPDATE=1 writes docs/api.txt"
    );
}
