//! Trees that spend the budgets of `src/text`.

use super::tree::{Tree, lines};

const NGINX: &str = "etc/nginx/nginx.conf";

fn including(includes: &str) -> String {
    format!("events {{}}\nhttp {{\n{includes}}}\n")
}

pub fn many_ignores(tree: &Tree) {
    tree.is_repository().file(".gitignore", lines(4_001, |number| format!("a{number}")));
}

pub fn long_ignores(tree: &Tree) {
    tree.is_repository().file(".gitignore", lines(600, |number| format!("{}{number}", "a".repeat(500))));
}

pub fn large_ignores(tree: &Tree) {
    tree.is_repository().file(".gitignore", "#".repeat((8 << 20) + 1));
}

pub fn large_file(tree: &Tree) {
    tree.file(NGINX, "#".repeat((8 << 20) + 1));
}

pub fn links_that_go_round(tree: &Tree) {
    tree.file(NGINX, including("include r/*/*/*/*/*.conf;\n")).file("etc/nginx/r/a.conf", "");
    for number in 0..10 {
        tree.link(".", &format!("etc/nginx/r/l{number}"));
    }
}

pub fn many_names(tree: &Tree) {
    for number in 0..6_000 {
        tree.file(&format!("etc/nginx/d/{number}"), "");
    }
    tree.file(NGINX, including(&lines(5_800, |number| format!("include d/*x{number};"))));
}

pub fn many_paths(tree: &Tree) {
    for number in 0..1_000 {
        tree.file(&format!("etc/nginx/d/{number}/x"), "");
    }
    tree.file(NGINX, including(&lines(600, |number| format!("include d/*/none{number};"))));
}
