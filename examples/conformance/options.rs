//! What is asked for.

use networkpype::{
    Preset,
    schemes::recipe::{Credentials, RecipeAuth, RecipeBuilder, RecipeError, RecipeSpec},
};

pub(crate) const USAGE: &str = "\
Usage: conformance [OPTIONS] FILE...

Replays the cases of each file, and says how many passed, failed, were refused and were skipped.

Options:
  --recipe FILE   signs every case with this recipe
  --recipes DIR   looks for DIR/EXCHANGE.toml before it asks the presets
  --tier NAME     leaves out cases of other tiers; may be said more than once
                  (default: every tier but `artifact`)
  --help          prints this

Exits with 0 when all passed or may not be sent, with 1 when a case failed, or a file cannot be read or had no case
replayed, and with 2 when the options are wrong.
";

#[derive(Default)]
pub(crate) struct Options {
    pub(crate) files: Vec<String>,
    /// Whether the usage is all that is asked for.
    pub(crate) help: bool,
    recipe: Option<RecipeSpec>,
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
                "--help" | "-h" => return Ok(Self { help: true, ..options }),
                "--recipe" => {
                    options.recipe =
                        Some(checked(&value()?).map_err(|why| format!("--recipe {why}"))?)
                }
                "--recipes" => options.recipes = Some(folder(value()?)?),
                "--tier" => {
                    let tier = value()?;
                    options.tiers.push(tier);
                }
                _ if argument.starts_with('-') => {
                    return Err(format!("{argument} is not known: see --help"));
                }
                _ => options.files.push(argument),
            }
        }
        if options.files.is_empty() {
            return Err("say which files: conformance FILE..., or --help".to_owned());
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
        if let Some(recipe) = &self.recipe {
            return Ok(RecipeAuth::builder(recipe.clone()));
        }
        if name.is_empty() {
            return Err("`exchange` is missing: it says which recipe signs, as --recipe FILE does"
                .to_owned());
        }
        if let Some(folder) = &self.recipes {
            let file = format!("{folder}/{name}.toml");
            if std::path::Path::new(&file).is_file() {
                return from_file(&file).map(RecipeAuth::builder);
            }
        }
        let preset = Preset::named(name).ok_or_else(|| {
            format!("there is no recipe for {name}: give one with --recipe FILE or --recipes DIR")
        })?;
        Ok(preset.auth())
    }
}

/// The recipe in this file, once it is known that it builds.
fn checked(file: &str) -> Result<RecipeSpec, String> {
    let recipe = from_file(file)?;
    // Where there are variants, it is for each case to say which of the ways has to build.
    if recipe.variants.is_empty() {
        // A provider is not asked before the first signature.
        let provider = Credentials::new();
        let built = RecipeAuth::builder(recipe.clone()).credential_provider(provider).build();
        built.map_err(|error| format!("{file}: {error}"))?;
    }
    Ok(recipe)
}

fn folder(path: String) -> Result<String, String> {
    if std::path::Path::new(&path).is_dir() {
        return Ok(path);
    }
    Err(format!("--recipes {path}: there is no such folder"))
}

fn from_file(file: &str) -> Result<RecipeSpec, String> {
    let told = |error: RecipeError| match error.to_string() {
        text if text.starts_with(file) => text,
        text => format!("{file}: {text}"),
    };
    let recipe = RecipeSpec::from_file(file).map_err(told)?;
    let find = |name: &str| Preset::named(name).map(|preset| preset.recipe().clone());
    recipe.resolve(&find).map_err(told)
}
