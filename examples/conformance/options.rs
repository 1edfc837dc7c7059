//! What is asked for.

use networkpype::{
    Preset,
    schemes::recipe::{RecipeAuth, RecipeBuilder, RecipeSpec},
};

#[derive(Default)]
pub(crate) struct Options {
    pub(crate) files: Vec<String>,
    recipe: Option<String>,
    recipes: Option<String>,
    tiers: Vec<String>,
}

impl Options {
    pub(crate) fn read(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--recipe" => options.recipe = Some(value()?),
                "--recipes" => options.recipes = Some(value()?),
                "--tier" => {
                    let tier = value()?;
                    options.tiers.push(tier);
                }
                _ if argument.starts_with('-') => return Err(format!("{argument} is not known")),
                _ => options.files.push(argument),
            }
        }
        if options.files.is_empty() {
            return Err("say which files: conformance FILE...".to_owned());
        }
        Ok(options)
    }

    /// Whether cases of this tier are wanted. What is somebody's quirk is not, unless asked for.
    pub(crate) fn wants(&self, tier: &str) -> bool {
        if self.tiers.is_empty() {
            return tier != "artifact";
        }
        self.tiers.iter().any(|own| own == tier)
    }

    /// How the API of this name signs.
    pub(crate) fn scheme(&self, name: &str) -> Result<RecipeBuilder, String> {
        if let Some(file) = &self.recipe {
            return from_file(file);
        }
        if let Some(folder) = &self.recipes {
            let file = format!("{folder}/{name}.toml");
            if std::path::Path::new(&file).is_file() {
                return from_file(&file);
            }
        }
        let preset = Preset::named(name).ok_or_else(|| format!("there is no recipe for {name}"))?;
        Ok(preset.auth())
    }
}

fn from_file(file: &str) -> Result<RecipeBuilder, String> {
    let recipe = RecipeSpec::from_file(file).map_err(|error| error.to_string())?;
    let find = |name: &str| Preset::named(name).map(|preset| preset.recipe().clone());
    Ok(RecipeAuth::builder(recipe.resolve(&find).map_err(|error| error.to_string())?))
}
