//! Spiders to start from, kept as real files beside this one.

use serde::Serialize;
use utoipa::ToSchema;

use super::types::Source;

#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(super) struct Template {
    #[schema(example = "script")]
    pub name: &'static str,
    pub source: Source,
    pub entry_point: &'static str,
    /// Of the file that one looks at first.
    pub content: &'static str,
    #[schema(value_type = Vec<TemplateFile>)]
    pub files: &'static [TemplateFile],
    /// What `pip` must install first; empty: nothing.
    pub requirements_txt: &'static str,
}

#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(super) struct TemplateFile {
    pub path: &'static str,
    pub content: &'static str,
}

/// Files of one template, with their text.
macro_rules! files {
    ($folder:literal: $($path:literal),+ $(,)?) => {
        &[$(TemplateFile { path: $path, content: include_str!(concat!("templates/", $folder, "/", $path)) }),+]
    };
}

pub(super) const TEMPLATES: [Template; 3] = [
    Template {
        name: "script",
        source: Source::Empty,
        entry_point: "",
        content: include_str!("templates/script/main.py"),
        files: files!("script": "main.py"),
        requirements_txt: "",
    },
    Template {
        name: "async",
        source: Source::Empty,
        entry_point: "main:run",
        content: include_str!("templates/async/main.py"),
        files: files!("async": "main.py"),
        requirements_txt: "",
    },
    Template {
        name: "scrapy",
        source: Source::Scrapy,
        entry_point: "quotes",
        content: include_str!("templates/scrapy/quotes_project/spiders/quotes.py"),
        files: files!("scrapy":
            "scrapy.cfg",
            "requirements.txt",
            "quotes_project/__init__.py",
            "quotes_project/items.py",
            "quotes_project/settings.py",
            "quotes_project/spiders/__init__.py",
            "quotes_project/spiders/quotes.py",
        ),
        requirements_txt: include_str!("templates/scrapy/requirements.txt"),
    },
];

pub(super) fn find(name: &str) -> Option<&'static Template> {
    TEMPLATES.iter().find(|template| template.name == name)
}
