//! Trees that spend the budgets of `src/kernel`, `src/config`, `src/suppress` and of the hosts file.

use super::tree::{Tree, lines};

pub fn sysctl_patterns(tree: &Tree) {
    tree.file("etc/sysctl.d/a.conf", format!("net.core.{}somaxconn* = 1\n", "{a,b}".repeat(7)));
}

pub fn sysctl_lines(tree: &Tree) {
    tree.file("etc/sysctl.d/a.conf", "net.core.somaxconn = 4096\n".repeat(20_001));
}

pub fn sysctl_odd(tree: &Tree) {
    let odd = lines(10_001, |number| format!("net.ipv4.a{number} = 1"));
    tree.file("etc/sysctl.d/a.conf", format!("net.core.somaxconn = 4096\n{odd}"));
}

pub fn long_comment(tree: &Tree) {
    let text = format!("http {{ {}# backlog-audit: ignore queue-clamped\n}}\n", "x ".repeat(1_500));
    tree.file("etc/nginx/nginx.conf", text);
}

pub fn many_addresses(tree: &Tree) {
    tree.file("etc/hosts", lines(1_001, |number| format!("10.0.{}.{} web", number / 250, number % 250)));
}

pub fn extended_policies(tree: &Tree) {
    tree.file("backlog-audit.toml", "extend = \"p0.toml\"\n");
    for number in 0..18 {
        tree.file(&format!("p{number}.toml"), format!("extend = \"p{}.toml\"\n", number + 1));
    }
}

pub fn many_scripts(tree: &Tree) {
    for number in 0..50_001 {
        tree.file(&format!("etc/{}/{number}.sh", number % 100), "");
    }
}

pub fn many_mentions(tree: &Tree) {
    tree.is_repository().file("tune.sh", "# net.core.somaxconn\n".repeat(201));
}

pub fn tuned_profiles(tree: &Tree) {
    tree.file("etc/tuned/active_profile", "p0\n");
    for number in 0..21 {
        let text = format!("[main]\ninclude=p{}\n", number + 1);
        tree.file(&format!("etc/tuned/p{number}/tuned.conf"), text);
    }
}
