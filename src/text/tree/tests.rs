use std::fs::File;
use std::os::unix::fs::symlink;

#[cfg(target_os = "linux")]
use rustix::fs::Mode;
use rustix::io::Errno;

use super::*;

/// A folder below the system's temporary one that goes away again.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("backlog-audit-tree-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("root/etc/a")).unwrap();
        fs::write(path.join("secret"), "outside").unwrap();
        Self(path)
    }

    fn tree(&self) -> Tree {
        Tree::open(&self.0.join("root"), true).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn links_resolve_as_after_chroot() {
    let scratch = Scratch::new("links");
    let root = scratch.0.join("root");
    fs::write(root.join("etc/real.conf"), "x").unwrap();
    symlink("/etc/real.conf", root.join("etc/a/absolute")).unwrap();
    symlink("../../../../../etc/real.conf", root.join("etc/a/up")).unwrap();
    symlink("../../../secret", root.join("etc/a/out")).unwrap();
    symlink("/etc/none", root.join("etc/a/dangling")).unwrap();
    symlink("loop", root.join("etc/a/loop")).unwrap();
    symlink("self/x", root.join("etc/a/self")).unwrap();
    symlink("/etc", root.join("conf")).unwrap();
    let tree = scratch.tree();
    let real = |path: &str| tree.resolve(Path::new(path));
    for path in ["/etc/a/absolute", "etc/a/up", "conf/real.conf", "conf/a/../real.conf"] {
        assert_eq!(real(path), Ok(PathBuf::from("etc/real.conf")), "{path}");
    }
    assert_eq!(real("etc/a/out"), Err(Unread::Dangling("../../../secret".into())));
    assert_eq!(real("etc/a/dangling"), Err(Unread::Dangling("/etc/none".into())));
    assert_eq!(real("etc/a/loop"), Err(Unread::Loop));
    assert_eq!(real("etc/a/self"), Err(Unread::Loop));
    let repository = Tree::open(&root, false).unwrap();
    assert_eq!(repository.resolve(Path::new("etc/a/absolute")), Err(Unread::Outside));
}

#[cfg(target_os = "linux")]
#[test]
fn one_file_is_one_source_and_a_fifo_is_none() {
    let scratch = Scratch::new("read");
    let root = scratch.0.join("root");
    fs::write(root.join("etc/a/1.conf"), "one").unwrap();
    symlink("1.conf", root.join("etc/a/2.conf")).unwrap();
    File::create(root.join("etc/large")).unwrap().set_len(8 << 30).unwrap();
    let fifo = root.join("etc/fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, Mode::RWXU, 0).unwrap();
    let (tree, sources) = (scratch.tree(), Sources::new());
    let read = |path: &str| tree.read(&sources, Path::new(path));
    assert_eq!(read("etc/a/1.conf"), read("etc/a/2.conf"));
    assert_eq!(sources.bytes(read("etc/a/2.conf").unwrap()), b"one");
    assert_eq!(read("etc/fifo"), Err(Unread::NotAFile("a FIFO")));
    assert_eq!(read("etc/a"), Err(Unread::NotAFile("a folder")));
    assert_eq!(read("etc/large"), Err(Unread::TooLarge(8 << 30)));
    assert_eq!(read("etc/none"), Err(Unread::Missing));
}

#[test]
fn glob_lists_in_byte_order() {
    let scratch = Scratch::new("glob");
    let root = scratch.0.join("root");
    for name in ["b.conf", "a.conf", "Z.conf", ".hidden.conf", "x.txt"] {
        fs::write(root.join("etc/a").join(name), "").unwrap();
    }
    let names = |pattern: &str| -> Vec<String> {
        scratch.tree().glob(pattern.as_bytes()).iter().map(|path| path.display().to_string()).collect()
    };
    assert_eq!(names("/etc/*/*.conf"), ["etc/a/Z.conf", "etc/a/a.conf", "etc/a/b.conf"]);
    assert_eq!(names("etc/a/x.txt"), ["etc/a/x.txt"]);
    assert_eq!(names("etc/none/*.conf"), [""; 0]);
}

#[test]
fn links_that_go_round_lead_to_each_file_a_bounded_number_of_times() {
    let scratch = Scratch::new("round");
    let root = scratch.0.join("root/etc/a");
    fs::create_dir(root.join("sub")).unwrap();
    for file in ["one.conf", "sub/two.conf"] {
        fs::write(root.join(file), "").unwrap();
    }
    for link in 0..10 {
        symlink(".", root.join(format!("l{link}"))).unwrap();
    }
    let (tree, sources) = (scratch.tree(), Sources::new());
    let found = tree.glob(b"/etc/a/*/*/*/*/*/*/*/*/*.conf");
    assert!((2..5_000).contains(&found.len()), "{}", found.len());
    for file in ["etc/a/one.conf", "etc/a/sub/two.conf"] {
        assert!(found.iter().any(|path| tree.resolve(path) == Ok(file.into())), "{file}");
    }
    tree.tell_cuts(&sources);
    let cuts = sources.cuts();
    assert_eq!(cuts.len(), 1);
    assert_eq!(sources.get(cuts[0].at.source).name(), "etc/a");
    assert!(cuts[0].what.contains("/etc/a/*/*"), "{}", cuts[0].what);
}

#[test]
fn a_few_links_to_one_file_are_each_a_path() {
    let scratch = Scratch::new("twice");
    let root = scratch.0.join("root/etc/a");
    fs::write(root.join("site.conf"), "").unwrap();
    for link in 0..10 {
        symlink("site.conf", root.join(format!("l{link}.conf"))).unwrap();
    }
    let (tree, sources) = (scratch.tree(), Sources::new());
    assert_eq!(tree.glob(b"etc/a/*.conf").len(), 11);
    tree.tell_cuts(&sources);
    assert_eq!(sources.cuts(), []);
}

#[test]
fn many_patterns_end_together() {
    let scratch = Scratch::new("patterns");
    let root = scratch.0.join("root/etc/a");
    (0..200).for_each(|file| fs::write(root.join(file.to_string()), "").unwrap());
    (0..10).for_each(|link| symlink(".", root.join(format!("l{link}"))).unwrap());
    let (tree, sources) = (scratch.tree(), Sources::new());
    for last in 0..2_000 {
        tree.glob(format!("etc/a/*/*/*/{last}").as_bytes());
    }
    assert!(tree.glob(b"etc/a/*").is_empty(), "nothing is left for it");
    assert_eq!(tree.glob(b"etc/a/7").len(), 1, "a plain path needs no budget");
    tree.tell_cuts(&sources);
    let told =
        sources.cuts().into_iter().filter(|cut| cut.what.starts_with("the patterns of this tree")).count();
    assert_eq!(told, 1);
}

#[test]
fn a_path_longer_than_any_is_missing() {
    let scratch = Scratch::new("long");
    let tree = scratch.tree();
    let long = "a/".repeat(1 << 20);
    assert_eq!(tree.resolve(Path::new(&long)), Err(Unread::Missing));
    assert!(tree.glob(format!("{long}*").as_bytes()).is_empty());
    assert!(tree.glob(format!("*/{long}").as_bytes()).is_empty());
}

/// All files below the root, as a repository shows them.
fn walked(tree: &Tree) -> Vec<String> {
    let how = Walk { gitignore: true, judge: &|path, _| judge(path), want: &|_| true };
    tree.walk(Path::new(""), how).0.iter().map(|path| path.display().to_string()).collect()
}

fn judge(path: &Path) -> Judged {
    if path.ends_with(".git") { Judged::Passed } else { Judged::Taken }
}

/// git itself says what its ignore files leave out.
#[test]
fn ignore_files_mean_what_git_says() {
    if std::process::Command::new("git").arg("--version").output().is_err() {
        eprintln!("there is no git here to say it");
        return;
    }
    let scratch = Scratch::new("git");
    let root = scratch.0.join("root");
    let write = |path: &str, text: &str| {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), text).unwrap();
    };
    let git = |arguments: &[&str]| {
        let ran = std::process::Command::new("git").arg("-C").arg(&root).args(arguments).output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
        String::from_utf8(ran.stdout).unwrap()
    };
    git(&["init", "--quiet"]);
    write(".git/info/exclude", "excluded\n*.secret\n");
    write(
        ".gitignore",
        "\u{feff}*.log\r\n# a comment\n\n/top.conf\nbuild/\n!keep.log\nlogs/**/debug\n\\!odd\n[ab]?.x\n",
    );
    write("sub/.gitignore", "!*.log\nlocal\n/deep/*.tmp\nnot.secret\n!b.secret\n");
    for file in [
        "a.log",
        "keep.log",
        "top.conf",
        "sub/top.conf",
        "build/x",
        "sub/build/x",
        "sub/a.log",
        "sub/local",
        "local",
        "excluded",
        "sub/excluded",
        "a.secret",
        "sub/b.secret",
        "sub/not.secret",
        "logs/x/y/debug",
        "logs/debug",
        "!odd",
        "a1.x",
        "c1.x",
        "sub/deep/a.tmp",
        "sub/deep/deeper/a.tmp",
        "sub/deep/.hidden",
        ".hidden.log",
    ] {
        write(file, "x");
    }
    for number in 0..200 {
        write(&format!("many/{number}.conf"), "x");
        write(&format!("many/{number}/inner/{number}.log"), "x");
    }
    let mut listed: Vec<String> = git(&["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .split_terminator('\0')
        .map(str::to_owned)
        .collect();
    listed.sort_by(|a, b| Path::new(a).cmp(Path::new(b)));
    assert_eq!(walked(&Tree::open(&root, false).unwrap()), listed);
}

#[cfg(target_os = "linux")]
#[test]
fn ignore_files_are_regular_bounded_and_inside() {
    let scratch = Scratch::new("ignores");
    let root = scratch.0.join("root");
    fs::write(scratch.0.join("patterns"), "*\n").unwrap();
    for folder in ["fifo", "zero", "out", "huge", "many", "worktree/.git", "module"] {
        fs::create_dir_all(root.join(folder)).unwrap();
        fs::write(root.join(folder).join("kept.conf"), "").unwrap();
    }
    rustix::fs::mknodat(rustix::fs::CWD, root.join("fifo/.gitignore"), FileType::Fifo, Mode::RWXU, 0)
        .unwrap();
    symlink("/dev/zero", root.join("zero/.gitignore")).unwrap();
    symlink("../../patterns", root.join("out/.gitignore")).unwrap();
    File::create(root.join("huge/.gitignore")).unwrap().set_len(8 << 30).unwrap();
    let classes: String = (0..100_000).map(|n| format!("[a-z]{n}[!x]?\n")).collect();
    fs::write(root.join("many/.gitignore"), format!("first\n{classes}kept.conf\n")).unwrap();
    fs::write(root.join("many/first"), "").unwrap();
    fs::create_dir(root.join("worktree/.git/info")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        root.join("worktree/.git/info/exclude"),
        FileType::Fifo,
        Mode::RWXU,
        0,
    )
    .unwrap();
    // A submodule's `.git` names a folder of its repository, which lies elsewhere.
    fs::create_dir_all(scratch.0.join("git/info")).unwrap();
    fs::write(scratch.0.join("git/info/exclude"), "*\n").unwrap();
    fs::write(scratch.0.join("git/commondir"), ".\n").unwrap();
    fs::write(root.join("module/.git"), format!("gitdir: {}\n", scratch.0.join("git").display())).unwrap();
    let (tree, sources) = (Tree::open(&root, false).unwrap(), Sources::new());
    let found = walked(&tree);
    for folder in ["fifo", "zero", "out", "huge", "many", "module"] {
        assert!(found.contains(&format!("{folder}/kept.conf")), "{folder}: {found:?}");
    }
    assert!(!found.contains(&"many/first".to_owned()), "the first patterns count");
    tree.tell_cuts(&sources);
    let mut at: Vec<String> =
        sources.cuts().iter().map(|cut| sources.get(cut.at.source).name().into_owned()).collect();
    at.sort();
    assert_eq!(at, ["huge/.gitignore", "many/.gitignore"]);
}

/// Somebody exchanges a folder for a link to one outside, as often as they can, while it is read and listed.
#[test]
fn a_folder_that_becomes_a_link_shows_nothing_outside() {
    let scratch = Scratch::new("race");
    let root = scratch.0.join("root");
    fs::create_dir_all(scratch.0.join("outside")).unwrap();
    fs::write(scratch.0.join("outside/file"), "outside").unwrap();
    fs::write(scratch.0.join("outside/listed"), "").unwrap();
    fs::create_dir(root.join("d")).unwrap();
    fs::write(root.join("d/file"), "inside").unwrap();
    symlink("../outside", root.join("link")).unwrap();
    let exchange = || {
        let (at, flags) = (rustix::fs::CWD, rustix::fs::RenameFlags::EXCHANGE);
        rustix::fs::renameat_with(at, root.join("d"), at, root.join("link"), flags)
    };
    if let Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) = exchange() {
        eprintln!("this file system exchanges no names");
        return;
    }
    let read = || {
        for _ in 0..1_000 {
            let (tree, sources) = (Tree::open(&root, true).unwrap(), Sources::new());
            if let Ok(source) = tree.read(&sources, Path::new("d/file")) {
                assert_eq!(sources.bytes(source), b"inside");
            }
            assert!(!tree.list(Path::new("d")).contains(&"listed".into()));
            assert_ne!(tree.entry(Path::new("d/listed")), Ok(Entry::File));
        }
    };
    let mut exchanges = 0;
    std::thread::scope(|scope| {
        let reading = scope.spawn(read);
        while !reading.is_finished() {
            exchange().unwrap();
            exchanges += 1;
        }
    });
    assert!(exchanges > 0, "nothing happened meanwhile");
}
