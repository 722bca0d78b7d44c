use super::super::{Seen, Trial};

const PROJECT: &str = "<Project Sdk=\"Microsoft.NET.Sdk.Web\">\n  <PropertyGroup><TargetFramework>net8.0</TargetFramework></PropertyGroup>\n</Project>\n";

fn read_files(files: &[(&str, &str)]) -> Seen {
    Trial::repository("kestrel", files).read()
}

fn read_program(text: &str) -> Seen {
    read_files(&[("App.csproj", PROJECT), ("Program.cs", text)])
}

#[test]
fn sources_say_where_and_how_long() {
    for (text, rows) in [
        ("var app = builder.Build(); app.Run();", vec!["? 512"]),
        ("app.Run(\"http://localhost:5000\");", vec!["127.0.0.1:5000 512", "[::1]:5000 512"]),
        (
            "builder.WebHost.UseUrls(\"http://*:5000\", \"http://10.0.0.1\");",
            vec!["*:5000 512", "10.0.0.1:80 512"],
        ),
        ("app.Urls.Add(\"http://0.0.0.0:5000\");", vec!["0.0.0.0:5000 512"]),
        ("webBuilder.UseUrls(url);", vec!["? 512"]),
        (
            "b.UseSockets(o => o.Backlog = 2048); b.ConfigureKestrel(k => k.ListenAnyIP(81));",
            vec!["*:81 2048"],
        ),
        ("const int Length = 1_024; b.UseSockets(o => { o.Backlog = Length; });", vec!["? 1024"]),
        ("s.Configure<SocketTransportOptions>(o => { o.Backlog = settings.Backlog; });", vec!["? ?"]),
        (
            "b.UseKestrel(o => { o.Listen(IPAddress.Loopback, 82); o.ListenUnixSocket(\"/run/a.sock\"); });",
            vec!["127.0.0.1:82 512", "/run/a.sock 512"],
        ),
        (
            "// b.UseSockets(o => o.Backlog = 7);\n/* app.Run(\"http://*:1\"); */ var s = \"UseSockets .Backlog = 8;\";",
            vec!["? 512"],
        ),
        ("socket.Bind(x); socket.Listen(100); options.Backlog = 9;", vec!["? 512"]),
    ] {
        assert_eq!(read_program(text).rows(), rows, "{text}");
    }
}

#[test]
fn settings_say_where() {
    let urls = ("appsettings.json", "{\"Urls\": \"http://*:83;http://[::1]:84\"}");
    assert_eq!(read_files(&[("App.csproj", PROJECT), urls]).rows(), ["*:83 512", "[::1]:84 512"]);
    let endpoints = "{ \"Kestrel\": { \"Endpoints\": { \"Http\": { \"Url\": \"http://localhost:85\" }, \"Other\": { \"Url\": \"http://*:86\" } } } }";
    let files = [
        ("App.csproj", PROJECT),
        ("appsettings.json", endpoints),
        ("Program.cs", "b.UseUrls(\"http://*:1\");"),
    ];
    assert_eq!(read_files(&files).rows(), ["127.0.0.1:85 512", "[::1]:85 512", "*:86 512"]);
}

#[test]
fn only_web_projects_count() {
    assert_eq!(read_files(&[("Program.cs", "b.UseSockets(o => o.Backlog = 5);")]).rows(), [""; 0]);
    let plain = PROJECT.replace(".Web", "");
    assert_eq!(
        read_files(&[("App.csproj", &plain), ("Program.cs", "app.Run(\"http://*:1\");")]).rows(),
        [""; 0]
    );
    let two = [("a/A.csproj", PROJECT), ("b/B.csproj", PROJECT), ("b/x/P.cs", "app.Run(\"http://*:1\");")];
    assert_eq!(read_files(&two).rows(), ["? 512", "*:1 512"]);
}

#[test]
fn a_backlog_can_be_written_where_it_stands() {
    let seen = read_program("b.UseSockets(o => /* long */ o.Backlog = 600);");
    assert_eq!(seen.set(128).as_deref(), Some("b.UseSockets(o => /* long */ o.Backlog = 128);"));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(32))]

    #[test]
    fn nothing_panics(text in "[ -~\né]{0,200}") {
        read_program(&text);
        read_program(&format!("UseSockets UseKestrel .Backlog = {text}"));
        read_files(&[("A.csproj", PROJECT), ("appsettings.json", &text), ("P.cs", &format!("x.UseUrls(\"{text}\");"))]);
    }
}
