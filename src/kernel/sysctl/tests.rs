use std::path::Path;

use super::*;
use crate::kernel::tests::Scratch;
use crate::kernel::{self, Ruling};
use crate::model::{Assignment, Fate};

struct Read {
    sources: Sources,
    ruling: Ruling,
}

impl Read {
    fn tree(tree: &Tree, read_as: ReadAs) -> Self {
        let sources = Sources::new();
        let knowledge = Knowledge::load(&sources).unwrap();
        let asked =
            Asked { kernel: Some(("6.18".into(), sources.flag("--kernel", "6.18"))), ..Asked::default() };
        let ruling = kernel::read(&sources, tree, &knowledge, read_as, &asked);
        Self { sources, ruling }
    }

    fn case(name: &str) -> Self {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/kernel/sysctl").join(name).join("root");
        Self::tree(&Tree::open(&root, true).unwrap(), ReadAs::Root)
    }

    fn files(files: &[(&str, &str)], read_as: ReadAs) -> Self {
        Self::tree(&Scratch::new("sysctl", files).tree(), read_as)
    }

    fn at(&self, span: Span) -> String {
        format!("{}:{}", self.sources.get(span.source).name(), self.sources.position(span).line)
    }

    fn lines(&self, key: &str) -> &[Assignment] {
        &self.ruling.sysctls.get(key).unwrap().assignments
    }

    /// Each line for somaxconn: where it stands, its value, what became of it.
    fn fates(&self) -> Vec<String> {
        let show = |line: &Assignment| {
            let value = line.value.map_or("-".to_owned(), |value| value.to_string());
            let by = |by: &Option<Span>| by.map(|by| format!(" by {}", self.at(by))).unwrap_or_default();
            let fate = match &line.fate {
                Fate::Wins => "wins".to_owned(),
                Fate::Overridden { by } => format!("overridden by {}", self.at(*by)),
                Fate::Masked { by: at } => format!("masked{}", by(at)),
                Fate::Invalid { why } => format!("invalid: {why}"),
                Fate::NotApplied { why, by: at } => format!("not applied: {why}{}", by(at)),
            };
            format!("{} {value} {fate}", self.at(line.key_at))
        };
        self.lines(key::SOMAXCONN).iter().map(show).collect()
    }

    /// The first line for somaxconn after its mend.
    fn mended(&self) -> Option<String> {
        let edit = self.lines(key::SOMAXCONN).first()?.mend.clone()?;
        let bytes = self.sources.bytes(edit.span.source);
        let made = crate::text::apply(bytes, std::slice::from_ref(&edit));
        Some(String::from_utf8(made).unwrap().lines().next().unwrap().to_owned())
    }

    fn suspects(&self) -> Vec<String> {
        let suspects = self.ruling.sysctls.suspects.iter();
        suspects.map(|suspect| format!("{} {}", self.at(suspect.key_at), suspect.meant)).collect()
    }
}

const DROP_IN: &str = "etc/sysctl.d/90-tuning.conf";

#[test]
fn every_line_says_what_became_of_it() {
    for (case, fates) in [
        (
            "same-key-in-two-files",
            vec![
                "etc/sysctl.d/50-a.conf:1 2000 overridden by etc/sysctl.d/60-b.conf:1",
                "etc/sysctl.d/60-b.conf:1 1000 wins",
            ],
        ),
        (
            "same-name-in-etc-masks-usr-lib",
            vec![
                "etc/sysctl.d/50-tuning.conf:1 2000 wins",
                "usr/lib/sysctl.d/50-tuning.conf:1 1000 masked by etc/sysctl.d/50-tuning.conf:1",
            ],
        ),
        ("masked-by-link-to-dev-null", vec!["usr/lib/sysctl.d/50-tuning.conf:1 1000 masked"]),
        (
            "masked-by-comment-only-file",
            vec!["usr/lib/sysctl.d/50-tuning.conf:1 1000 masked by etc/sysctl.d/50-tuning.conf:1"],
        ),
        (
            "masked-by-dangling-link",
            vec![
                "usr/lib/sysctl.d/50-tuning.conf:1 1000 not applied: etc/sysctl.d/50-tuning.conf is a link to nothing and \
                 hides this file",
            ],
        ),
        (
            "masked-by-directory",
            vec![
                "usr/lib/sysctl.d/50-tuning.conf:1 1000 not applied: etc/sysctl.d/50-tuning.conf is a folder of the same \
                 name and hides this file",
            ],
        ),
        (
            "invalid-value-later",
            vec![
                "etc/sysctl.d/90-tuning.conf:1 1000 overridden by etc/sysctl.d/90-tuning.conf:2",
                "etc/sysctl.d/90-tuning.conf:2 - invalid: `k` right after the number",
            ],
        ),
        (
            "exclusion-in-a-later-file",
            vec![
                "etc/sysctl.d/50-a.conf:1 1000 not applied: a line `-key` without a value excludes it \
                 by etc/sysctl.d/60-b.conf:1",
            ],
        ),
        (
            "sysctl-conf-without-link",
            vec![
                "etc/sysctl.conf:1 1000 not applied: systemd-sysctl does not read /etc/sysctl.conf, and no *.conf in \
                 sysctl.d links to it",
            ],
        ),
        ("sysctl-conf-with-link", vec!["etc/sysctl.conf:1 1000 wins"]),
        ("nothing-written", vec![]),
        ("debian-12-as-installed", vec![]),
    ] {
        assert_eq!(Read::case(case).fates(), fates, "{case}");
    }
}

#[test]
fn a_file_that_is_replaced_by_another_matter_is_a_mistake() {
    let read = Read::files(
        &[
            ("etc/sysctl.d/99-custom.conf", "vm.swappiness = 1\n"),
            ("usr/lib/sysctl.d/99-custom.conf", "net.core.somaxconn = 9\n"),
        ],
        ReadAs::Root,
    );
    let why = "etc/sysctl.d/99-custom.conf has the same name and replaces this whole file";
    assert_eq!(
        read.fates(),
        [format!("usr/lib/sysctl.d/99-custom.conf:1 9 not applied: {why} by etc/sysctl.d/99-custom.conf:1")]
    );
    let ignored = &read.ruling.sysctls.ignored;
    assert_eq!(
        ignored.iter().map(|file| (read.at(file.at), file.why.as_str())).collect::<Vec<_>>(),
        [("usr/lib/sysctl.d/99-custom.conf:1".to_owned(), why)]
    );
}

/// Its author knew the other: a key of it is set anew, and the rest is meant to go.
#[test]
fn a_file_that_speaks_of_the_same_matter_replaces_on_purpose() {
    let read = Read::case("same-name-in-etc-masks-usr-lib");
    assert!(read.lines(key::SYNCOOKIES).iter().all(|line| matches!(line.fate, Fate::Masked { .. })));
    assert_eq!((read.lines(key::SYNCOOKIES).len(), &read.ruling.sysctls.ignored), (1, &Vec::new()));
}

#[test]
fn what_is_not_applied_says_why() {
    for (case, why) in [
        ("hidden-file", "starts with a dot"),
        ("in-a-subfolder", "folders below sysctl.d"),
        ("sysctl-conf-moved-aside-by-dpkg", "Debian 13"),
        ("key-upper-case", "lower case"),
        ("key-bom", "invisible character"),
        ("key-no-break-space", "invisible character"),
        ("key-dot-then-slash", "dots and slashes"),
        ("key-slash-then-dot", "dots and slashes"),
        ("key-proc-sys-path", "after /proc/sys"),
        ("key-proc-sys-dotted", "after /proc/sys"),
        ("key-words-before", "command"),
        ("key-quoted", "quotes"),
        ("key-blank-inside", "white space in the key"),
        ("key-without-equals", "no `=`"),
        ("key-colon", "no `=`"),
    ] {
        let read = Read::case(case);
        let fates = read.fates();
        assert!(
            fates.len() == 1 && fates[0].contains("not applied") && fates[0].contains(why),
            "{case}: {fates:?}"
        );
        assert_eq!(read.lines(key::SOMAXCONN)[0].value, Some(1000), "{case}");
    }
    // Of names that do not end in .conf only those count that are not set aside on purpose.
    let mut files: Vec<String> = Read::case("not-named-conf").fates();
    files.iter_mut().for_each(|line| line.truncate(line.find(':').unwrap()));
    assert_eq!(
        files,
        ["90-tuning", "90-tuning.CONF", "90-tuning.cnf"].map(|name| format!("etc/sysctl.d/{name}"))
    );
}

#[test]
fn what_is_set_aside_is_no_mistake() {
    for name in
        ["90-x.conf.pacnew", "90-x.conf.2024-01-01", "90-x.conf~", "disabled/90-x.conf", "README", "90-x.j2"]
    {
        let path = format!("etc/sysctl.d/{name}");
        assert_eq!(
            Read::files(&[(&path, "net.core.somaxconn = 9\n")], ReadAs::Root).fates(),
            [""; 0],
            "{name}"
        );
    }
}

#[test]
fn a_comment_of_another_language_is_no_mistake() {
    let read = Read::case("slashes-do-not-comment");
    assert_eq!((read.fates(), read.suspects()), (Vec::new(), Vec::new()));
    let read = Read::files(&[(DROP_IN, "//net.core.somaxcon = 1\n")], ReadAs::Root);
    assert_eq!(read.suspects(), [""; 0]);
}

#[test]
fn a_mend_is_made_where_there_is_one_way_to_read_the_line() {
    for (case, line) in [
        ("key-upper-case", "net.core.somaxconn = 1000"),
        ("key-bom", "net.core.somaxconn = 1000"),
        ("key-words-before", "net.core.somaxconn = 1000"),
        ("key-dot-then-slash", "net.core.somaxconn = 1000"),
        ("key-without-equals", "net.core.somaxconn = 1000"),
        ("key-colon", "net.core.somaxconn = 1000"),
        ("value-octal", "net.core.somaxconn = 512"),
        ("value-octal-bad-digit", "net.core.somaxconn = 812"),
        ("value-quoted", "net.core.somaxconn = 1000"),
        ("value-thousands", "net.core.somaxconn = 1024"),
        ("value-glued-comment", "net.core.somaxconn = 1000"),
        ("value-double-equals", "net.core.somaxconn =1000"),
    ] {
        assert_eq!(Read::case(case).mended().as_deref(), Some(line), "{case}");
    }
    for case in [
        "one-drop-in",
        "value-unit",
        "value-word",
        "value-hex",
        "value-zeros",
        "hidden-file",
        "value-too-large",
    ] {
        assert_eq!(Read::case(case).mended(), None, "{case}");
    }
}

#[test]
fn a_slot_covers_the_number_and_nothing_else() {
    for (text, number) in [
        ("net.core.somaxconn = 1000 # for nginx\n", "1000"),
        ("net.core.somaxconn=0x400\n", "0x400"),
        ("-net/core/somaxconn = 0512\r\n", "0512"),
    ] {
        let read = Read::files(&[(DROP_IN, text)], ReadAs::Root);
        let slot = read.lines(key::SOMAXCONN)[0].slot.clone().unwrap();
        assert_eq!(read.sources.text(slot.span), number);
        assert_eq!(read.ruling.sysctls.get(key::SOMAXCONN).unwrap().slot, Some(slot));
    }
    for text in ["net.core.somaxconn = 4k\n", "net.core.somax* = 1000\n"] {
        let read = Read::files(&[(DROP_IN, text)], ReadAs::Root);
        assert_eq!(read.lines(key::SOMAXCONN)[0].slot, None, "{text}");
    }
}

/// The file that takes the number.
fn drop_in(files: &[(&str, &str)], read_as: ReadAs) -> Option<String> {
    let read = Read::files(files, read_as);
    let slot = read.ruling.sysctls.get(key::SOMAXCONN)?.slot.clone()?;
    let source = read.sources.get(slot.span.source);
    assert_eq!(source.is_absent(), source.bytes().is_empty());
    Some(source.name().into_owned())
}

#[test]
fn a_new_file_sorts_behind_all_that_name_the_key() {
    const LINE: &str = "net.core.somaxconn = 1\n";
    for (files, path) in [
        (&[][..], "90-backlog-audit.conf"),
        (&[("usr/lib/sysctl.d/50-vendor.conf", LINE)], "90-backlog-audit.conf"),
        (&[("usr/lib/sysctl.d/90-vendor.conf", LINE)], "99-backlog-audit.conf"),
        (&[("usr/lib/sysctl.d/99-vendor.conf", LINE)], "zz-backlog-audit.conf"),
        (&[("usr/lib/sysctl.d/zzz.conf", LINE)], "zzz_backlog-audit.conf"),
        (&[("usr/lib/sysctl.d/99-x.conf", "-net.core.somaxconn\n")], "zz-backlog-audit.conf"),
        (&[("etc/sysctl.d/99-x.conf", "net.core.somaxconn = 4k\n")], "zz-backlog-audit.conf"),
        // A name in use elsewhere would hide that file.
        (&[("usr/lib/sysctl.d/90-backlog-audit.conf", "vm.swappiness = 1\n")], "99-backlog-audit.conf"),
        // What we wrote before takes another line.
        (&[("etc/sysctl.d/90-backlog-audit.conf", "net.ipv4.tcp_syncookies = 1\n")], "90-backlog-audit.conf"),
        (&[("etc/sysctl.d/50-local.conf", LINE)], "50-local.conf"),
    ] {
        assert_eq!(drop_in(files, ReadAs::Root), Some(format!("etc/sysctl.d/{path}")), "{files:?}");
    }
}

#[test]
fn a_repository_without_sysctl_files_is_no_machine() {
    let app = ("server.js", "");
    assert_eq!(drop_in(&[app], ReadAs::Repo), None);
    let conf = ("etc/sysctl.conf", "net.core.somaxconn = 1\n");
    // The link that distributions ship is not in it, but on the machine.
    assert_eq!(drop_in(&[app, conf], ReadAs::Repo).as_deref(), Some("etc/sysctl.conf"));
    assert_eq!(drop_in(&[app, conf], ReadAs::Root).as_deref(), Some("etc/sysctl.d/90-backlog-audit.conf"));
}

#[test]
fn a_file_by_itself_is_all_there_is() {
    let scratch = Scratch::new(
        "file",
        &[
            ("x.conf", "net.core.somaxconn = 9\nnet.ipv4.tcp_syncookies = 4k\n"),
            (DROP_IN, "net.core.somaxconn = 8\n"),
        ],
    );
    let sources = Sources::new();
    let knowledge = Knowledge::load(&sources).unwrap();
    let asked = Asked { files: vec!["x.conf".into()], ..Asked::default() };
    let ruling = kernel::read(&sources, &scratch.tree(), &knowledge, ReadAs::File, &asked);
    let somaxconn = ruling.sysctls.get(key::SOMAXCONN).unwrap();
    assert_eq!((somaxconn.number(), somaxconn.assignments.len()), (Some(9), 1));
    assert_eq!(somaxconn.slot, somaxconn.assignments[0].slot);
    let syncookies = ruling.sysctls.get(key::SYNCOOKIES).unwrap();
    assert!(matches!(syncookies.assignments[0].fate, Fate::Invalid { .. }));
    assert_eq!(syncookies.slot, None, "beside a single file nothing is put");
}

#[test]
fn templates_say_nothing() {
    let text = "net.core.somaxconn = {{ somaxconn }}\n";
    assert_eq!(Read::files(&[(DROP_IN, text)], ReadAs::Repo).fates(), [""; 0]);
    assert_eq!(Read::files(&[(DROP_IN, text)], ReadAs::Root).fates().len(), 1);
}

#[test]
fn suspects_are_unknown_keys_close_to_known_ones() {
    let text = "net.core.somaxcon = 1000\nnet.ipv4.conf.all.rp_filer = 1\nnet.ipv4.tcp_syn_cookies=1\nnet.core.rmem_max=1\n\
                net.ipv6.conf.all.disable_ipv6=1\nkernel.panics=1\n-net.core.somaxcon\nnet/ipv4/tcp_rmen = 1\n\
                net.ipv4/tcp_rmem = 4096 1 2\nNET.CORE.SOMAXCONN = 1\n";
    assert_eq!(
        Read::files(&[(DROP_IN, text)], ReadAs::Root).suspects(),
        [
            format!("{DROP_IN}:1 net.core.somaxconn"),
            format!("{DROP_IN}:3 net.ipv4.tcp_syncookies"),
            format!("{DROP_IN}:8 net.ipv4.tcp_rmem"),
            format!("{DROP_IN}:9 net.ipv4.tcp_rmem")
        ]
    );
}

#[test]
fn flags_come_before_files_and_files_before_defaults() {
    let scratch = Scratch::new("precedence", &[(DROP_IN, "net.core.somaxconn = 1000\n")]);
    let sources = Sources::new();
    let knowledge = Knowledge::load(&sources).unwrap();
    let flag = |release: &str| Some((release.to_owned(), sources.flag("--kernel", release)));
    let value = |asked: &Asked, key: &str| {
        let ruling = kernel::read(&sources, &scratch.tree(), &knowledge, ReadAs::Root, asked);
        let value = ruling.sysctls.get(key).unwrap().value.clone().unwrap();
        (value.get, value.kind)
    };
    let old = Asked { kernel: flag("4.18.0-305.el8"), ..Asked::default() };
    assert_eq!(value(&old, key::SOMAXCONN), (1000, Kind::Written));
    assert_eq!(value(&old, key::SYNCOOKIES), (1, Kind::Default));
    assert_eq!(value(&Asked::default(), key::SYNCOOKIES), (1, Kind::Assumed));
    let set = Asked { set: vec![(key::SOMAXCONN.into(), 7, sources.flag("--set", "7"))], ..old.clone() };
    assert_eq!(value(&set, key::SOMAXCONN), (7, Kind::Written));
    let bare = Scratch::new("bare", &[]);
    let ruling = kernel::read(&sources, &bare.tree(), &knowledge, ReadAs::Root, &old);
    assert_eq!(ruling.sysctls.number(key::SOMAXCONN), Some(128));
}

/// somaxconn and its kind on a machine of these files, with a distribution's kernel.
fn of_machine(files: &[(&str, &str)]) -> (i64, Kind) {
    let fstab = ("etc/fstab", "UUID=1 / xfs defaults 0 0\n");
    let scratch = Scratch::new("tuned", &[files, &[fstab]].concat());
    let sources = Sources::new();
    let knowledge = Knowledge::load(&sources).unwrap();
    let ruling = kernel::read(&sources, &scratch.tree(), &knowledge, ReadAs::Root, &Asked::default());
    let value = ruling.sysctls.get(key::SOMAXCONN).unwrap().value.clone().unwrap();
    (value.get, value.kind)
}

/// What the files of /etc and `reapply_sysctl` do, and bounds, as measured with tuned 2.20.0.
#[test]
fn the_active_profile_of_tuned_sets_what_no_file_of_etc_sets() {
    let rocky = ("etc/os-release", "ID=rocky\nVERSION_ID=8.10\n");
    let active = |name| ("etc/tuned/active_profile", name);
    assert_eq!(of_machine(&[rocky, active("virtual-guest\n")]), (2048, Kind::Default));
    assert_eq!(of_machine(&[rocky, active("latency-performance\n")]), (128, Kind::Default));
    // Nothing of tuned is there: it was left out of the copy, or taken away where packages are to be seen.
    assert_eq!(of_machine(&[rocky]), (2048, Kind::Assumed));
    assert_eq!(of_machine(&[rocky, ("usr/lib/x", "")]), (128, Kind::Default));
    assert_eq!(of_machine(&[("etc/os-release", "ID=rocky\nVERSION_ID=8.7\n")]), (128, Kind::Default));
    // It is written again by the files of /etc, and not by those of packages.
    let etc = ("etc/sysctl.d/a.conf", "net.core.somaxconn = 512\n");
    assert_eq!(of_machine(&[rocky, active("aws"), etc]), (512, Kind::Written));
    let last = ("etc/tuned/tuned-main.conf", "reapply_sysctl = 0\n");
    assert_eq!(of_machine(&[rocky, active("aws"), etc, last]), (2048, Kind::Default));
    let package = ("usr/lib/sysctl.d/a.conf", "net.core.somaxconn = 512\n");
    assert_eq!(of_machine(&[rocky, active("aws"), package]), (2048, Kind::Default));
    let longer = ("usr/lib/sysctl.d/a.conf", "net.core.somaxconn = 9000\n");
    assert_eq!(of_machine(&[rocky, active("aws"), longer]), (9000, Kind::Written));
}

#[test]
fn profiles_of_tuned_are_read_where_they_are() {
    let rocky = ("etc/os-release", "ID=rocky\nVERSION_ID=9.4\n");
    let active = ("etc/tuned/active_profile", "mine");
    let mine = |text| ("etc/tuned/mine/tuned.conf", text);
    let of = |text| of_machine(&[rocky, active, mine(text)]);
    assert_eq!(of("[sysctl]\nnet.core.somaxconn=>8192\n"), (8192, Kind::Written));
    assert_eq!(of("[sysctl]\nnet.core.somaxconn=>2048\n"), (4096, Kind::Default));
    assert_eq!(of("[sysctl]\nnet.core.somaxconn = 256\n"), (256, Kind::Written));
    assert_eq!(of("[sysctl]\nnet.core.somaxconn=<100\n"), (100, Kind::Written));
    assert_eq!(of("[sysctl]\nnet.core.somaxconn= 700 # c\n"), (700, Kind::Written));
    assert_eq!(of("[sysctl]\nnet.core.somaxconn=\"3000\"\n"), (3000, Kind::Written));
    assert_eq!(of("[sysctl]\nnet.core.somaxconn=0x100\n"), (256, Kind::Written));
    assert_eq!(of("[sysctl]\nnet.core.somaxconn=${x}\n"), (4096, Kind::Default));
    assert_eq!(of("[disk]\nnet.core.somaxconn = 256\n"), (4096, Kind::Default));
    assert_eq!(of("[main]\ninclude=mine\n"), (4096, Kind::Default));
    let base = ("usr/lib/tuned/base/tuned.conf", "[sysctl]\nnet.core.somaxconn=9999\n");
    assert_eq!(of_machine(&[rocky, active, mine("[main]\ninclude=base\n"), base]), (9999, Kind::Written));
}

#[test]
fn what_the_kernel_would_refuse_is_told() {
    let sources = Sources::new();
    let knowledge = Knowledge::load(&sources).unwrap();
    let scratch = Scratch::new("refused", &[("etc/x", "")]);
    let refused = |release: &str, key: &str, value| {
        let at = sources.flag("--set", "");
        let kernel = Some((release.to_owned(), at));
        let asked = Asked { kernel, set: vec![(key.to_owned(), value, at)], ..Asked::default() };
        kernel::read(&sources, &scratch.tree(), &knowledge, ReadAs::Root, &asked).refused.is_some()
    };
    for (release, key, value, is) in [
        ("6.1", key::SOMAXCONN, -1, true),
        ("6.1", key::SOMAXCONN, 99_999_999_999, true),
        ("6.1", key::SOMAXCONN, 70_000, false),
        ("4.0", key::SOMAXCONN, 70_000, true),
        ("3.10.0-1160.el7.x86_64", key::SOMAXCONN, 70_000, true),
        ("3.10", key::SOMAXCONN, -1, false),
        ("6.1", key::SYNCOOKIES, 256, true),
        ("5.4", key::SYNCOOKIES, 256, false),
        ("6.1", key::MAX_SYN_BACKLOG, -1, false),
    ] {
        assert_eq!(refused(release, key, value), is, "{release} {key} {value}");
    }
}

#[test]
fn other_systems_boot_with_what_an_administrator_runs_by_hand() {
    let conf = ("etc/sysctl.conf", "net.core.somaxconn = 1\n");
    let last = ("etc/sysctl.d/zz.conf", "net.core.somaxconn = 2\n");
    let alpine = ("etc/runlevels/boot/sysctl", "");
    let boot = |files: &[(&str, &str)]| {
        let read = Read::files(files, ReadAs::Root);
        read.ruling.sysctls.get(key::SOMAXCONN).unwrap().boot.as_ref().map(|value| value.get)
    };
    assert_eq!(boot(&[conf, last]), Some(2));
    assert_eq!(boot(&[conf, last, alpine]), Some(1));
    assert_eq!(boot(&[conf, last, alpine, ("usr/lib/systemd/systemd", "")]), Some(2));
    // With SysV init its script says it.
    let script = "sysctl -e -p /etc/sysctl.conf\n";
    let sysinit = |text| ("etc/rc.d/rc.sysinit", text);
    let with_folder = format!("{script}for file in /etc/sysctl.d/*; do sysctl -e -p $file; done\n");
    assert_eq!(boot(&[conf, last, sysinit(script)]), Some(1));
    assert_eq!(boot(&[last, sysinit(script)]), None);
    assert_eq!(boot(&[conf, last, sysinit(&with_folder)]), Some(2));
    assert_eq!(boot(&[conf, last, ("etc/init.d/procps", "sysctl --system\n")]), Some(1));
    assert_eq!(boot(&[conf, last, ("etc/inittab", "")]), Some(1));
    assert_eq!(boot(&[conf, last, ("etc/inittab", ""), ("usr/lib/systemd/systemd", "")]), Some(2));
    let read = Read::files(&[conf, last, sysinit(script)], ReadAs::Root);
    assert!(read.ruling.sysctls.get(key::SOMAXCONN).unwrap().slot.is_some());
    // Where no folder is read, none takes a new file, whether or not one has files.
    let unset = Read::files(&[("etc/sysctl.conf", "kernel.panic = 1\n"), sysinit(script)], ReadAs::Root);
    assert_eq!(unset.ruling.sysctls.get(key::SOMAXCONN).unwrap().slot, None);
    // What stands behind a comment's sign is no part of a script.
    let comment = format!("{script}  # for file in /etc/sysctl.d/*\n");
    assert_eq!(boot(&[conf, last, sysinit(&comment)]), Some(1));
    let passed_over = "etc/sysctl.d/zz.conf:1 2 not applied: the boot scripts read /etc/sysctl.conf alone";
    assert_eq!(read.fates(), ["etc/sysctl.conf:1 1 wins", passed_over]);
    let read = Read::files(&[conf, last, alpine], ReadAs::Root);
    assert_eq!(
        read.fates(),
        ["etc/sysctl.conf:1 1 wins", "etc/sysctl.d/zz.conf:1 2 overridden by etc/sysctl.conf:1"]
    );
}

/// Only on Linux, and only where the machine may be looked at.
#[cfg(target_os = "linux")]
#[test]
fn the_running_machine_comes_between_files_and_defaults() {
    let scratch = Scratch::new("live", &[(DROP_IN, "net.ipv4.tcp_syncookies = 2\n")]);
    let sources = Sources::new();
    let knowledge = Knowledge::load(&sources).unwrap();
    let asked = Asked { live: true, ..Asked::default() };
    let ruling = kernel::read(&sources, &scratch.tree(), &knowledge, ReadAs::Root, &asked);
    let proc = |path: &str| std::fs::read_to_string(format!("/proc/sys/{path}")).unwrap().trim().to_owned();
    assert_eq!((ruling.kernel.release, ruling.kernel.version.kind), (proc("kernel/osrelease"), Kind::Live));
    let value = |key: &str| ruling.sysctls.get(key).unwrap().value.clone().unwrap();
    assert_eq!(value(key::MAX_SYN_BACKLOG).get.to_string(), proc("net/ipv4/tcp_max_syn_backlog"));
    let somaxconn = value(key::SOMAXCONN);
    assert_eq!((somaxconn.get.to_string(), somaxconn.kind), (proc("net/core/somaxconn"), Kind::Live));
    assert_eq!(sources.get(somaxconn.span.source).name(), "/proc/sys/net/core/somaxconn");
    assert_eq!((value(key::SYNCOOKIES).get, value(key::SYNCOOKIES).kind), (2, Kind::Written));
}
