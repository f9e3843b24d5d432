//! Clients as packages that registries take: what stands around the files of a client.

use std::str::FromStr;

use serde_json::{Value, json};
use thiserror::Error;

use super::{GeneratedFile, Language, Platform};
use crate::api::Api;

/// The name and version of a package to generate: `acme-client@1.2.0`, or a name alone for 0.1.0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    name: String,
    version: String,
}

/// A text that names no package.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} names no package: write NAME or NAME@VERSION, such as acme-client@1.2.0")]
pub struct PackageError(String);

impl FromStr for Package {
    type Err = PackageError;

    fn from_str(text: &str) -> Result<Self, PackageError> {
        // Names of npm may begin with the sign that separates the version.
        let split = text.rfind('@').filter(|at| *at > 0).map(|at| text.split_at(at));
        let (name, version) = split.map_or((text, "0.1.0"), |(name, rest)| (name, &rest[1..]));
        let bare = name.strip_prefix('@').map_or(name, |scoped| scoped);
        let part = |part: &str| {
            let fits = |sign: char| sign.is_ascii_alphanumeric() || "-_.".contains(sign);
            part.starts_with(|sign: char| sign.is_ascii_alphabetic()) && part.chars().all(fits)
        };
        let parts = if name == bare { 1 } else { 2 };
        let named = bare.split('/').count() == parts && bare.split('/').all(part);
        let numbered = version.starts_with(|sign: char| sign.is_ascii_digit())
            && version.chars().all(|sign| sign.is_ascii_alphanumeric() || "-+.".contains(sign));
        if !named || !numbered {
            return Err(PackageError(text.to_owned()));
        }
        Ok(Self { name: name.to_owned(), version: version.to_owned() })
    }
}

impl Package {
    /// The files of a client as those of a package; nothing for languages whose clients are not packages of their own.
    pub(crate) fn around(
        &self,
        language: Language,
        platform: Platform,
        api: &Api<'_>,
        files: Vec<GeneratedFile>,
    ) -> Option<Vec<GeneratedFile>> {
        let names: Vec<_> = api.schemas().map(|schema| schema.name.as_str()).collect();
        let description = format!("A client for {}", names.join(", "));
        match (language, platform) {
            (Language::Python, _) => Some(self.python(&description, files)),
            (Language::Typescript, Platform::Browser) => {
                Some(self.browser(&description, api, files))
            }
            (Language::Typescript, Platform::Node) => {
                Some(self.typescript(&description, api, files))
            }
            (Language::Rust, _) => None,
        }
    }

    fn python(&self, description: &str, files: Vec<GeneratedFile>) -> Vec<GeneratedFile> {
        let scope = self.name.trim_start_matches('@');
        let module = scope.replace(['-', '.', '/'], "_").to_lowercase();
        let quoted = |text: &str| json!(text).to_string();
        let project = format!(
            "[build-system]\nrequires = [\"setuptools>=77\"]\nbuild-backend = \"setuptools.build_meta\"\n\n\
             [project]\nname = {}\nversion = {}\ndescription = {}\nrequires-python = \">=3.9\"\ndependencies = []\n\n\
             [tool.setuptools]\npackages = [\"{module}\", \"{module}._runtime\"]\n\n\
             [tool.setuptools.package-data]\n{module} = [\"py.typed\"]\n",
            quoted(&scope.replace('/', "-")),
            quoted(&self.version),
            quoted(description),
        );
        below(&module, files).chain([GeneratedFile::new("pyproject.toml", project)]).collect()
    }

    /// Modules that are built: they stand where they are.
    fn browser(
        &self,
        description: &str,
        api: &Api<'_>,
        mut files: Vec<GeneratedFile>,
    ) -> Vec<GeneratedFile> {
        let package = json!({
            "name": self.name,
            "version": self.version,
            "description": description,
            "type": "module",
            "sideEffects": false,
            "exports": { ".": { "types": "./index.d.ts", "default": "./index.js" } },
            "files": ["index.js", "index.d.ts"],
            "rpc": generator(api),
        });
        files.push(GeneratedFile::new("package.json", pretty(&package)));
        files
    }

    fn typescript(
        &self,
        description: &str,
        api: &Api<'_>,
        files: Vec<GeneratedFile>,
    ) -> Vec<GeneratedFile> {
        let package = json!({
            "name": self.name,
            "version": self.version,
            "description": description,
            "type": "module",
            "engines": { "node": ">=20" },
            "exports": { ".": { "types": "./dist/index.d.ts", "default": "./dist/index.js" } },
            "files": ["dist"],
            "scripts": { "build": "tsc", "prepack": "tsc" },
            "devDependencies": { "@types/node": "^20.19.0", "typescript": "~6.0.0" },
            "rpc": generator(api),
        });
        let compiler = json!({
            "compilerOptions": {
                "target": "ES2022",
                "lib": ["ES2023"],
                "module": "NodeNext",
                "types": ["node"],
                "strict": true,
                "declaration": true,
                "rootDir": "src",
                "outDir": "dist",
            },
            "include": ["src/**/*.ts"],
        });
        let around = [("package.json", package), ("tsconfig.json", compiler)];
        let around = around.map(|(path, value)| GeneratedFile::new(path, pretty(&value)));
        below("src", files).chain(around).collect()
    }
}

/// Where a package is from.
fn generator(api: &Api<'_>) -> Value {
    json!({
        "generator": format!("rpc codegen {}", env!("CARGO_PKG_VERSION")),
        "schema": format!("{:016x}", api.fingerprint),
    })
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

/// The files in a folder.
fn below(folder: &str, files: Vec<GeneratedFile>) -> impl Iterator<Item = GeneratedFile> {
    files.into_iter().map(move |GeneratedFile { path, text }| GeneratedFile {
        path: format!("{folder}/{path}"),
        text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_are_those_of_registries() {
        let package = |text: &str| {
            let Package { name, version } = text.parse().ok()?;
            Some(format!("{name} {version}"))
        };
        assert_eq!(package("acme").as_deref(), Some("acme 0.1.0"));
        assert_eq!(package("acme-client@1.2.0-rc.1").as_deref(), Some("acme-client 1.2.0-rc.1"));
        assert_eq!(package("@acme/client@2.0.0").as_deref(), Some("@acme/client 2.0.0"));
        for wrong in ["", "@1.0", "a b", "acme@", "acme@x", "../acme", "@acme", "a/b", "a\"b", "1a"]
        {
            assert_eq!(package(wrong), None, "{wrong}");
        }
    }
}
