//! Reading and writing recipes as text.

use std::{fs, path::Path};

use super::{error::RecipeError, spec::RecipeSpec};

/// How long a chain of recipes that extend each other may be.
const LONGEST_CHAIN: usize = 8;

impl RecipeSpec {
    /// Reads a recipe from TOML.
    ///
    /// # Errors
    /// When it is not TOML, or a key is not known or holds what it cannot. The error names the line and the key.
    pub fn from_toml(text: &str) -> Result<Self, RecipeError> {
        let deserializer = toml::Deserializer::parse(text).map_err(|error| {
            RecipeError::new("", error.message()).at_line(line_of(text, &error))
        })?;
        serde_path_to_error::deserialize(deserializer).map_err(|error| {
            let key = error.path().to_string();
            let key = if key == "." { String::new() } else { key };
            RecipeError::new(key, error.inner().message()).at_line(line_of(text, error.inner()))
        })
    }

    /// Reads a recipe from a TOML file.
    ///
    /// # Errors
    /// As [`from_toml`](Self::from_toml), and when the file cannot be read. The error names the file.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, RecipeError> {
        let path = path.as_ref();
        let file = path.display().to_string();
        let text = fs::read_to_string(path)
            .map_err(|error| RecipeError::new("", error).in_file(file.clone()))?;
        let mut recipe = Self::from_toml(&text).map_err(|error| error.in_file(file))?;
        if recipe.name.is_none() {
            recipe.name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        }
        Ok(recipe)
    }

    /// Writes it as TOML.
    ///
    /// # Errors
    /// When TOML cannot hold a text in it.
    pub fn to_toml(&self) -> Result<String, RecipeError> {
        toml::to_string_pretty(self).map_err(|error| RecipeError::new("", error))
    }

    /// The recipe with what it extends looked up: `find` is given a name and gives the recipe of that name.
    ///
    /// # Errors
    /// When nothing has that name, or recipes extend each other in a circle.
    pub fn resolve(&self, find: &dyn Fn(&str) -> Option<RecipeSpec>) -> Result<Self, RecipeError> {
        let mut resolved = self.clone();
        for _ in 0..LONGEST_CHAIN {
            let Some(name) = resolved.extends.clone() else { return Ok(resolved) };
            let base = find(&name).ok_or_else(|| {
                RecipeError::new("extends", format!(
                    "there is no recipe {name:?} among those that `resolve` was given; `Preset::names` lists the ready-made ones"
                ))
            })?;
            let next = base.extends.clone();
            resolved = resolved.over(&base);
            resolved.extends = next;
        }
        Err(RecipeError::new("extends", "these recipes extend each other in a circle"))
    }
}

fn line_of(text: &str, error: &toml::de::Error) -> Option<usize> {
    let span = error.span()?;
    let before = text.get(..span.start)?;
    // The span of a whole document begins before its first byte, where no line would help.
    (span.end > 0).then(|| before.matches('\n').count() + 1)
}
