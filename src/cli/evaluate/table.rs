//! The table of labels.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::Arguments;
use crate::bundle::sha256;
use crate::error::{Error, ErrorKind, plain_words};

/// A table with the columns that were asked for.
pub struct Table {
    pub rows: Vec<Row>,
    /// Its name, for messages and reports.
    pub name: String,
    pub group_column: Option<String>,
    /// What the files are relative to.
    pub root: PathBuf,
    pub mask_column: Option<String>,
}

/// One row of the table.
pub struct Row {
    pub path: PathBuf,
    /// The path as the table names it.
    pub file: String,
    pub label: String,
    pub group: String,
    /// The fold that each column of folds names.
    pub folds: Vec<String>,
    /// SHA-256 of the file; `None` for a folder or a file that cannot be read.
    pub digest: Option<String>,
    cells: BTreeMap<String, String>,
}

impl Row {
    /// What stands in a column, if anything, whatever the case of its name.
    pub fn cell(&self, column: &str) -> Option<&str> {
        let cell = self.cells.get(&column.to_lowercase());
        cell.map(String::as_str).filter(|cell| !cell.is_empty())
    }
}

/// Which numbers in the label column are a reason to refer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    above: bool,
    included: bool,
    bound: f64,
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Rule, String> {
        let parse = || {
            let number = text.trim_start_matches(['<', '>', '=']);
            let (above, included) = match text.strip_suffix(number)? {
                ">=" => (true, true),
                ">" => (true, false),
                "<=" => (false, true),
                "<" => (false, false),
                _ => return None,
            };
            Some(Rule { above, included, bound: number.trim().parse().ok()? })
        };
        parse().ok_or_else(|| "write it as '>=2', with >=, >, <= or < before a number".to_owned())
    }
}

impl Rule {
    pub fn holds(&self, number: f64) -> bool {
        let beyond = if self.above { number > self.bound } else { number < self.bound };
        beyond || (self.included && number == self.bound)
    }
}

/// What is wrong with the table.
pub fn table_error(path: &Path, problem: &str, remedy: &str) -> Error {
    Error::new(ErrorKind::Usage, path.display(), problem, remedy)
}

/// Reads the table and the digests of its files.
pub fn read(arguments: &Arguments) -> Result<Table, Error> {
    let path = &arguments.labels;
    let wrong = |problem: &str, remedy: &str| table_error(path, problem, remedy);
    let file = std::fs::File::open(path).map_err(|e| {
        wrong(&format!("cannot be read ({})", plain_words(&e)), "check the path and permissions")
    })?;
    let mut table = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let broken = |e: csv::Error| wrong(&format!("is broken ({e})"), "save it as CSV with a header");
    let header = table.headers().map_err(broken)?.clone();
    let column = |name: &str| header.iter().position(|h| h == name);
    let wanted = |name: &str| {
        column(name).ok_or_else(|| {
            let columns = header.iter().collect::<Vec<_>>().join(", ");
            wrong(&format!("has no column `{name}`"), &format!("its columns are: {columns}"))
        })
    };
    let file = wanted("file")?;
    let label = match arguments.expect {
        Some(_) => column(&arguments.label),
        None => Some(wanted(&arguments.label)?),
    };
    let group = match &arguments.group {
        Some(name) => Some(wanted(name)?),
        None => column("group").or_else(|| column("patient")),
    };
    let folds: Vec<usize> = match &arguments.fold_bundles {
        Some(_) => arguments.fold.iter().map(|name| wanted(name)).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let others = arguments.by.iter().chain(&arguments.by_group_correlation);
    others.chain(&arguments.mask_column).try_for_each(|name| wanted(name).map(drop))?;
    let root = match &arguments.root {
        Some(root) => root.clone(),
        None => path.parent().unwrap_or(Path::new(".")).to_owned(),
    };
    let mut rows = Vec::new();
    for record in table.records() {
        let record = record.map_err(broken)?;
        let field = |i: usize| record.get(i).unwrap_or_default().to_owned();
        let path = root.join(field(file));
        rows.push(Row {
            digest: std::fs::read(&path).ok().map(|bytes| sha256(&bytes)),
            file: relative(&path, &root),
            path,
            label: label.map(field).unwrap_or_default(),
            group: group.map_or_else(|| field(file), field),
            folds: folds.iter().map(|&i| field(i)).collect(),
            cells: header
                .iter()
                .map(str::to_lowercase)
                .zip(record.iter().map(str::to_owned))
                .collect(),
        });
    }
    let group_column = group.and_then(|i| header.get(i)).map(str::to_owned);
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let usual = column("mask").map(|_| "mask".to_owned());
    let mask_column = arguments.mask_column.clone().or(usual);
    Ok(Table { rows, name, group_column, root, mask_column })
}

/// Nothing that is written says where a folder lies on this machine.
fn relative(path: &Path, root: &Path) -> String {
    let inside = path.strip_prefix(root).ok().or(path.file_name().map(Path::new));
    inside.unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_part_numbers() {
        let holds = |rule: &str, number| rule.parse::<Rule>().unwrap().holds(number);
        assert!(holds(">=2", 2.0) && !holds(">2", 2.0) && holds(">2", 2.5) && !holds(">=2", 1.9));
        assert!(holds("<=-1", -1.0) && !holds("<-1", -1.0) && holds("< -1", -2.0));
        for wrong in ["2", ">=", "=>2", ">=two", "", "==2"] {
            assert!(wrong.parse::<Rule>().unwrap_err().contains("'>=2'"), "{wrong}");
        }
    }
}
