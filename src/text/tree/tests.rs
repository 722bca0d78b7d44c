use std::os::unix::fs::symlink;

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
