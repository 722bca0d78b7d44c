use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;

/// A folder with a document and what it may draw in.
struct Scratch {
    folder: TempDir,
    sources: Sources,
}

impl Scratch {
    fn new(document: impl AsRef<[u8]>) -> Self {
        let scratch = Self { folder: tempfile::tempdir().unwrap(), sources: Sources::new() };
        scratch.write("conf/d.xml", document)
    }

    fn write(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    fn read(&self) -> Reading {
        let tree = Tree::open(self.folder.path(), true).unwrap();
        let file = tree.read(&self.sources, Path::new("conf/d.xml")).unwrap();
        read(&self.sources, &tree, file, &|id, from| file_of(id, from).map(Some))
    }

    /// The elements as `depth name attribute=value@text`.
    fn elements(&self) -> Vec<String> {
        let reading = self.read();
        assert_eq!(reading.fault, None);
        assert!(reading.complete);
        reading.elements.iter().map(|element| self.spelt(element)).collect()
    }

    fn spelt(&self, element: &Element) -> String {
        let attributes = element.attributes.iter().map(|attribute| {
            format!(" {}={}@{}", attribute.name, attribute.value, self.sources.text(attribute.value.span()))
        });
        format!("{} {}{}", element.depth, element.name, attributes.collect::<String>())
    }

    /// What is wrong with it, or too much.
    fn fault(&self) -> String {
        let fault = self.read().fault.map(|fault| fault.message);
        let cut = || self.sources.cuts().into_iter().map(|cut| cut.what).next();
        fault.or_else(cut).unwrap_or_default()
    }
}

#[test]
fn elements_come_in_order_with_their_places() {
    let scratch = Scratch::new(
        "<?xml version='1.0'?><!-- <no/> --><a x = '1'>\n t <b:c\n y=\"2\" z=''/><![CDATA[<no/>]]><?p <no/>?></a>\n",
    );
    assert_eq!(scratch.elements(), ["0 a x=1@1", "1 b:c y=2@2 z=@"]);
    let reading = scratch.read();
    assert_eq!(scratch.sources.text(reading.elements[1].tag), "<b:c\n y=\"2\" z=''/>");
    assert_eq!(scratch.sources.position(reading.elements[1].tag).line, 2);
    assert_eq!(reading.children(0, "b:c").count(), 1);
    assert_eq!(reading.children(0, "c").count(), 0);
}

#[test]
fn an_attribute_can_be_added_after_the_last_one() {
    for (tag, longer) in [
        ("<a/>", "<a N/>"),
        ("<a  >t</a>", "<a N  >t</a>"),
        ("<a x='1'\n/>", "<a x='1' N\n/>"),
        ("\u{FEFF}<a x='>'/>", "\u{FEFF}<a x='>' N/>"),
    ] {
        let scratch = Scratch::new(tag);
        let (end, quote) = scratch.read().elements[0].end.unwrap();
        assert_eq!((end.start, quote), (end.end, '"'));
        let (before, after) = tag.split_at(end.start as usize);
        assert_eq!(format!("{before} N{after}"), longer);
    }
}

#[test]
fn values_are_normalised_and_references_replaced() {
    let scratch = Scratch::new("<a x='1\n2\r\n3\t4&#10;&lt;&amp;&#x41;&quot;'/>");
    assert_eq!(scratch.read().elements[0].attributes[0].value.as_str(), "1 2 3 4\n<&A\"");
}

#[test]
fn internal_entities_keep_their_places() {
    let scratch = Scratch::new(
        "<!DOCTYPE a [<!ENTITY n '7'><!ENTITY n '8'><!ENTITY e \"<b x='&n;1' y='2'/>\">\
         <!ENTITY m \"&#60;c z='3'/>\"><!-- ]> --><?p ]>?>]><a>&e;&m;&lt;</a>",
    );
    assert_eq!(scratch.elements(), ["0 a", "1 b x=71@&n;1 y=2@2", "1 c z=3@&#60;c z='3'/>"]);
    let elements = scratch.read().elements;
    // Inside a literal in double quotes only single ones can be written.
    assert_eq!(elements[1].end.unwrap().1, '\'');
    assert_eq!(elements[2].end, None);
}

#[test]
fn external_entities_are_sources_of_their_own() {
    let scratch = Scratch::new(
        "<!DOCTYPE a [<!ENTITY one SYSTEM 'part/one.xml'><!ENTITY two PUBLIC '-' 'file:///conf/t%77o.xml'>]>\
         <a>&one;</a>",
    )
    .write("conf/part/one.xml", "<?xml encoding='ISO-8859-1'?>\n<!-- \u{e9} --><b x='1'/>&two;")
    .write("conf/two.xml", "<c y='2'/>");
    assert_eq!(scratch.elements(), ["0 a", "1 b x=1@1", "1 c y=2@2"]);
    let elements = scratch.read().elements;
    assert_eq!(scratch.sources.get(elements[1].tag.source).name(), "conf/part/one.xml");
    assert_eq!(scratch.sources.position(elements[1].tag).line, 2);
}

#[test]
fn declarations_may_come_from_elsewhere() {
    let scratch = Scratch::new(
        "<!DOCTYPE a SYSTEM 'a.dtd' [<!ENTITY % p SYSTEM 'p.ent'>%p;<!ENTITY % q \"<!ENTITY m '6'>\">%q;]>\
         <a x='&n;' y='&m;'/>",
    )
    .write("conf/p.ent", "<!ENTITY n '5'>")
    .write("conf/a.dtd", "<!ELEMENT a (b|c)*><!NOTATION g SYSTEM '>'><!ENTITY n '9'><!ATTLIST a x CDATA '1' z (u|v) 'v' w CDATA #IMPLIED>");
    let element = &scratch.read().elements[0];
    let values: Vec<_> = element.attributes.iter().map(|found| (&*found.name, &*found.value)).collect();
    assert_eq!(values, [("x", "5"), ("y", "6"), ("z", "v")]);
    assert!(scratch.sources.text(element.attributes[2].value.span()).starts_with("<!ATTLIST a x"));
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for (document, why) in [
        ("", "no root"),
        ("  <!-- -->", "no root"),
        ("<a>", "never closed"),
        ("<a></b>", "expected `</a>`"),
        ("</a>", "close tag `</a>` does not match any open tag"),
        ("<a x=1/>", "not an attribute"),
        ("<a x/>", "not an attribute"),
        ("<a x='1'y='2'/>", "no space"),
        ("<a x='1' x='2'/>", "given twice"),
        ("<a x='<'/>", "cannot contain <"),
        ("<a x='&'/>", "no end"),
        ("<a x='&n;'/>", "not declared"),
        ("<a>&n;</a>", "not declared"),
        ("<a>&#0;</a>", "not declared"),
        ("<a>x & y</a>", "reference not closed"),
        ("<a>]]></a>", "where none may be"),
        ("t<a/>", "where none may be"),
        ("<a/>t", "where none may be"),
        ("<a/><b/>", "second root"),
        ("<a/><!DOCTYPE a>", "before the root"),
        ("<!DOCTYPE a><!DOCTYPE a><a/>", "once"),
        ("<!DOCTYPE a [<!ENTITY>]><a/>", "declaration is broken"),
        ("<!DOCTYPE a [nonsense]><a/>", "DOCTYPE is broken"),
        ("<!DOCTYPE a SYSTEM><a/>", "DOCTYPE is broken"),
        ("<!DOCTYPE a [<!ENTITY e '<b>'>]><a>&e;</b></a>", "never closed"),
        ("<!DOCTYPE a [<!ENTITY e '</a>'>]><a>&e;", "does not match any open tag"),
        ("<!DOCTYPE a [<!ENTITY e '&f;'><!ENTITY f '&e;'>]><a>&e;</a>", "refers to itself"),
        ("<!DOCTYPE a [<!ENTITY e SYSTEM 'x' NDATA gif>]><a>&e;</a>", "not XML"),
        ("<!DOCTYPE a [<!ENTITY e SYSTEM 'd.xml'>]><a x='&e;'/>", "external entity"),
        ("<a><!-- -- --></a>", "`--`"),
        ("<a><!-- </a>", "comment not closed"),
        ("<a x='1/>", "not closed"),
        ("<1a/>", "not a name"),
        ("\n<?xml version='1.0'?><a/>", "very start"),
        ("<a><?XML x?></a>", "very start"),
        ("<?xml version='2.0'?><a/>", "declaration is broken"),
        ("<?xml encoding='UTF-8' version='1.0'?><a/>", "declaration is broken"),
        ("<?xml standalone='yes'?><a/>", "no version"),
        ("<?xml version='1.0' encoding='nonsense'?><a/>", "cannot be read"),
        ("<?xml version='1.0' encoding='UTF-16'?><a/>", "cannot be read"),
        ("<a>\u{1}</a>", "control character"),
    ] {
        let fault = Scratch::new(document).fault();
        assert!(fault.contains(why), "{document:?}: {fault:?} instead of {why:?}");
    }
}

#[test]
fn encodings_are_those_that_are_declared() {
    for (document, why) in [
        (&b"<a><!-- \xE9 --></a>"[..], "not UTF-8"),
        (b"<?xml version='1.0' encoding='US-ASCII'?><a><!-- \xE9 --></a>", "not US-ASCII"),
        (b"<?xml version='1.0' encoding='iso-8859-1'?><a><!-- \xE9 --></a>", ""),
        (b"<?xml version='1.0' encoding='GBK'?><a><!-- \xB6\xD3 --></a>", ""),
        (b"\xEF\xBB\xBF<?xml version='1.0' encoding='UTF-8'?><a/>", ""),
        (b"\xFE\xFF\x00<\x00a\x00/\x00>", ""),
        (b"<\x00a\x00/\x00>\x00", ""),
        (b"\xFF\xFE\x00\xD8", "not UTF-16"),
    ] {
        let fault = Scratch::new(document).fault();
        assert!(fault.contains(why) && fault.is_empty() == why.is_empty(), "{document:?}: {fault}");
    }
    let latin = Scratch::new(b"<?xml version='1.0' encoding='iso-8859-1'?><a \xE9='\xE9' x='7'/>");
    assert_eq!(latin.sources.text(latin.read().elements[0].attributes[1].value.span()), "7");
}

#[test]
fn what_comes_after_the_root_spoils_nothing() {
    let reading = Scratch::new("<a x='1'/>\n</a>").read();
    assert!(reading.complete && reading.fault.is_some());
    let reading = Scratch::new("<a x='1'>\n</b>").read();
    assert!(!reading.complete && reading.fault.is_some());
}

#[test]
fn only_files_of_the_tree_are_opened() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "<b/>").unwrap();
    for (system_id, why) in [
        ("http://127.0.0.1:1/x.xml", "nothing is fetched"),
        ("ftp://x/y", "nothing is fetched"),
        ("jar:file:x!/y", "nothing is fetched"),
        ("gone.xml", "no such file"),
        ("fifo", "a FIFO"),
        ("/conf", "a folder"),
        ("device", "does not exist in this tree"),
        ("huge", "MiB"),
        ("out", "does not exist in this tree"),
        ("../../../../../../../../etc/passwd", "no such file"),
    ] {
        let scratch = Scratch::new(format!("<!DOCTYPE a [<!ENTITY e SYSTEM '{system_id}'>]><a>&e;</a>"));
        let conf = scratch.folder.path().join("conf");
        assert!(std::process::Command::new("mkfifo").arg(conf.join("fifo")).status().unwrap().success());
        symlink("/dev/zero", conf.join("device")).unwrap();
        symlink(outside.path().join("secret"), conf.join("out")).unwrap();
        File::create(conf.join("huge")).unwrap().set_len(8 << 30).unwrap();
        let fault = scratch.fault();
        assert!(fault.contains(why), "{system_id}: {fault:?}");
    }
}

#[test]
fn system_identifiers_are_paths_and_file_urls() {
    for (system_id, path) in [
        ("c.xml", "conf/c.xml"),
        ("../c.xml", "c.xml"),
        ("../../../c.xml", "c.xml"),
        ("/etc/c.xml", "etc/c.xml"),
        ("file:///etc/c.xml", "etc/c.xml"),
        ("file:/etc/c.xml", "etc/c.xml"),
        ("file://localhost/etc/c.xml", "etc/c.xml"),
        ("file:c.xml", "conf/c.xml"),
        ("a%20b%2.xml", "conf/a b%2.xml"),
    ] {
        assert_eq!(file_of(system_id, Path::new("conf")), Ok(path.into()), "{system_id}");
    }
    assert!(file_of("C:\\tomcat\\c.xml", Path::new("conf")).is_err());
}

#[test]
fn bombs_are_refused_soon() {
    let laughs: String =
        (1..10).map(|n| format!("<!ENTITY l{n} '{}'>", format!("&l{};", n - 1).repeat(10))).collect();
    let chain: String = (1..20_000).map(|n| format!("<!ENTITY c{n} '&c{};'>", n - 1)).collect();
    let markup = "<b/>".repeat(10_000);
    let defaults: String = (0..100_000).map(|n| format!("<!ATTLIST a x{n} CDATA ''>")).collect();
    for (document, why) in [
        (format!("<!DOCTYPE a [<!ENTITY l0 'l'>{laughs}]><a>&l9;</a>"), "references"),
        (format!("<!DOCTYPE a [<!ENTITY l0 'l'>{laughs}]><a x='&l9;'/>"), "references"),
        (
            format!("<!DOCTYPE a [<!ENTITY q '{}'>]><a>{}</a>", "q".repeat(50_000), "&q;".repeat(50_000)),
            "bytes",
        ),
        (
            format!("<!DOCTYPE a [<!ENTITY q '{}'>]><a x='{}'/>", "q".repeat(50_000), "&q;".repeat(50_000)),
            "bytes",
        ),
        (format!("<!DOCTYPE a [<!ENTITY c0 'c'>{chain}]><a>&c19999;</a>"), "deep"),
        (format!("<!DOCTYPE a [<!ENTITY m '{markup}'>]><a>{}</a>", "&m;".repeat(1_000)), "elements"),
        (format!("<a>{}", "<b>".repeat(200_000)), "never closed"),
        (format!("<a {}/>", (0..20_000).map(|n| format!("x{n}='' ")).collect::<String>()), "attributes"),
        (format!("<!DOCTYPE a [{}]>{}", defaults, "<a/>".repeat(9)), "attributes"),
        ("<a ".repeat(1 << 20), ""),
        ("<!DOCTYPE ".repeat(1 << 19), ""),
        ("&".repeat(1 << 22), ""),
        (format!("<a x='{}'/>", "&".repeat(1 << 22)), "no end"),
    ] {
        let start = Instant::now();
        let fault = Scratch::new(&document).fault();
        assert!(!fault.is_empty() && fault.contains(why), "{fault:?} instead of {why:?}");
        assert!(start.elapsed() < Duration::from_secs(5), "{why} took {:?}", start.elapsed());
    }
    let unused = format!("<!DOCTYPE a [<!ENTITY l0 'l'>{laughs}]><a/>");
    assert_eq!(Scratch::new(unused).fault(), "");
}
