//! Bundles that somebody vouches for: making keys, signing, installing, going back.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::bundle::{Bundle, Installed, SIGNATURE_FILE, Secret, Trusted};
use crate::cli::stored;
use crate::config::Config;
use crate::error::{Error, ErrorKind, plain_words};
use crate::inference::Placement;
use crate::pipeline::Model;

const AGAIN: &str = "start Sonolamp again for it to take effect (`systemctl restart sonolamp`)";

/// A new pair: the secret into a file, the public line to stdout.
pub fn key(file: &Path, owner: &str) -> anyhow::Result<()> {
    let secret = Secret::generate();
    let text = format!("# Signs bundles for Sonolamp. Keep it off the box.\n{}\n", secret.text());
    let mut options = std::fs::OpenOptions::new();
    let made = options.write(true).create_new(true).mode(0o600).open(file);
    stored(file, made.and_then(|mut f| f.write_all(text.as_bytes()).and_then(|()| f.sync_all())))?;
    println!("{}", secret.public(owner));
    eprintln!(
        "The secret key is in {}: whoever has it can sign bundles. Boxes that",
        file.display()
    );
    eprintln!("shall take them need the line above in the file that [bundle] trusted_keys names.");
    Ok(())
}

/// Signs the bundle in `folder`, once everything in it is right.
pub fn sign(folder: &Path, key: &Path) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(key).map_err(|e| {
        let problem = format!("cannot be read ({})", plain_words(&e));
        let remedy = "give the file that `sonolamp bundle key` made";
        Error::new(ErrorKind::Usage, key.display(), problem, remedy)
    })?;
    let secret = Secret::parse(&text, &key.display().to_string())?;
    let model = Model::load(Some(folder))?;
    let signature = secret.sign(model.bundle.text());
    let (file, draft) = (folder.join(SIGNATURE_FILE), folder.join(".bundle.sig"));
    stored(&file, std::fs::write(&draft, signature))?;
    stored(&file, std::fs::rename(&draft, &file))?;
    println!("{} is signed: {}", model.bundle.title(), model.bundle.digest);
    Ok(())
}

/// Whose bundles are taken, and where they are kept.
#[derive(clap::Args)]
pub struct Place {
    /// Configuration file (default: /etc/sonolamp/sonolamp.toml if it exists)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub fn install(folder: &Path, place: &Place) -> anyhow::Result<()> {
    let config = Config::load(place.config.as_deref())?;
    let trusted = Trusted::load(&config.trusted_keys)?;
    let installed = Installed::at(&config.bundles);
    // All of it is read once: what is checked is what is written, whatever becomes of the stick.
    let bundle = Bundle::load(Some(folder))?;
    let signer = bundle.signer(&trusted)?.to_owned();
    installed.admit(&bundle, &Bundle::load(None)?)?;
    Model::of(bundle.clone(), Placement::default())?;
    let copy = installed.put(&bundle)?;
    let model = Model::load(Some(&copy))?;
    installed.activate(&model.bundle)?;
    let known = model.bundle.manifest.known_answers.len();
    println!("{} is installed, signed by {signer}", model.bundle.title());
    println!("digest {}", model.bundle.digest);
    println!("{known} known answers agree, largest difference {:.4}", model.known_error);
    match &config.bundle {
        None => eprintln!("sonolamp: {AGAIN}"),
        Some(path) => eprintln!(
            "sonolamp: [bundle] path names {}, which is used instead; leave it empty",
            path.display()
        ),
    }
    Ok(())
}

/// Goes back to the bundle before, or to the built-in one, once everything in it is right.
pub fn roll_back(built_in: bool, place: &Place) -> anyhow::Result<()> {
    let config = Config::load(place.config.as_deref())?;
    let installed = Installed::at(&config.bundles);
    let before = if built_in { None } else { installed.previous()? };
    let model = Model::load(before.as_deref())?;
    if before.is_some() {
        // It would not be run.
        model.bundle.signer(&Trusted::load(&config.trusted_keys)?)?;
    }
    if built_in {
        installed.leave()?;
    } else {
        installed.roll_back()?;
    }
    println!("{} is in use again", model.bundle.title());
    eprintln!("sonolamp: {AGAIN}");
    Ok(())
}
