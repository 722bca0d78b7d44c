use super::super::{Seen, Trial};
use crate::model::Starter;

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
        ("b.UseKestrel(o => o.Listen(\n    IPAddress.Any,\n    87)); o.Listen();", vec!["0.0.0.0:87 512"]),
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

const PUBLISHED: &str =
    "{\"runtimeOptions\": {\"tfm\": \"net8.0\", \"framework\": {\"name\": \"Microsoft.AspNetCore.App\"}}}";

/// A machine with a published application, which a unit starts with these variables.
fn published(line: &str, variables: &[(&str, &str)], settings: &str) -> Vec<String> {
    let files = [
        ("opt/app/Shop.runtimeconfig.json", PUBLISHED),
        ("opt/app/Shop.dll", ""),
        ("opt/app/Shop", ""),
        ("opt/app/appsettings.json", settings),
    ];
    let words = variables.iter().map(|(name, value)| format!("{name}={value} ")).collect::<String>();
    let trial = Trial::root("kestrel", &files);
    trial.started_as(&format!("{words}{line}"), |command| command.starter = Starter::Unit).read().rows()
}

#[test]
fn what_is_published_listens_where_its_unit_says() {
    let urls = "{\"Urls\": \"http://*:83\", \"AllowedHosts\": \"*\"}";
    let endpoints = "{\"Kestrel\": {\"Endpoints\": {\"Http\": {\"Url\": \"http://*:85\"}}}}";
    for (line, variables, settings, rows) in [
        ("/opt/app/Shop", &[][..], "{}", vec!["127.0.0.1:5000 512", "[::1]:5000 512"]),
        ("dotnet /opt/app/Shop.dll", &[("ASPNETCORE_URLS", "http://+:82")], "{}", vec!["*:82 512"]),
        ("/opt/app/Shop", &[("ASPNETCORE_URLS", "http://+:82")], urls, vec!["*:83 512"]),
        ("/opt/app/Shop", &[("URLS", "http://+:82")], urls, vec!["*:82 512"]),
        (
            "/opt/app/Shop --urls http://10.0.0.1:81",
            &[("URLS", "http://+:82")],
            urls,
            vec!["10.0.0.1:81 512"],
        ),
        ("/opt/app/Shop --urls=http://10.0.0.1:81", &[], "{}", vec!["10.0.0.1:81 512"]),
        ("dotnet /opt/app/Shop.dll --urls http://*:81", &[], "{}", vec!["*:81 512"]),
        ("dotnet /opt/app/Shop.dll --urls http://*:81 --URLS http://*:82", &[], "{}", vec!["*:82 512"]),
        ("/opt/app/Shop /Urls http://*:81 urls http://*:82", &[], "{}", vec!["*:81 512"]),
        ("/opt/app/Shop Urls=http://*:81 -urls http://*:82", &[], "{}", vec!["*:81 512"]),
        ("/opt/app/Shop --x --urls http://*:82", &[("URLS", "http://*:81")], "{}", vec!["*:81 512"]),
        ("/opt/app/Shop", &[("ASPNETCORE_HTTP_PORTS", "84;86")], "{}", vec!["*:84 512", "*:86 512"]),
        (
            "/opt/app/Shop",
            &[("HTTP_PORTS", "84"), ("HTTPS_PORTS", "443")],
            "{}",
            vec!["*:84 512", "*:443 512"],
        ),
        (
            "/opt/app/Shop",
            &[("HTTP_PORTS", "84"), ("ASPNETCORE_URLS", "http://+:82")],
            "{}",
            vec!["*:82 512"],
        ),
        ("/opt/app/Shop", &[("URLS", "http://+:82")], endpoints, vec!["*:85 512"]),
        ("/opt/app/Shop", &[("Kestrel__Endpoints__Http__Url", "http://*:87")], endpoints, vec!["*:87 512"]),
        ("/opt/app/Shop", &[("ASPNETCORE_URLS", "$URLS")], "{}", vec!["? 512"]),
        ("/opt/app/Shop", &[("Kestrel__Endpoints__Http__Url", "http://*:$PORT")], "{}", vec!["? 512"]),
        ("/opt/app/Other", &[("ASPNETCORE_URLS", "http://+:82")], "{}", vec!["? 512"]),
    ] {
        assert_eq!(published(line, variables, settings), rows, "{line} {variables:?} {settings}");
    }
}

#[test]
fn each_unit_of_one_application_opens_its_own() {
    let files = [("opt/app/Shop.runtimeconfig.json", PUBLISHED), ("opt/app/Shop", "")];
    let started = |first: &str, second: &str, settings: &str| {
        let trial = Trial::root("kestrel", &files).with("opt/app/appsettings.json", settings);
        let trial = trial.started(&format!("{first} /opt/app/Shop"));
        trial.started(&format!("{second} /opt/app/Shop")).read().rows()
    };
    let endpoint = |port: u16| format!("Kestrel__Endpoints__Http__Url=http://*:{port}");
    let settings = "{\"Kestrel\": {\"Endpoints\": {\"Http\": {\"Url\": \"http://*:85\"}}}}";
    for (second, settings, rows) in [
        (endpoint(82), "{}", ["*:81 512", "*:82 512"]),
        (endpoint(82), settings, ["*:81 512", "*:82 512"]),
        ("A=b".to_owned(), settings, ["*:85 512", "*:81 512"]),
        ("URLS=http://*:83".to_owned(), "{}", ["*:81 512", "*:83 512"]),
    ] {
        assert_eq!(started(&endpoint(81), &second, settings), rows, "{second} {settings}");
    }
}

#[test]
fn what_is_published_in_one_file_is_known_by_its_settings() {
    let files = [("opt/app/Shop", ""), ("opt/app/appsettings.json", "{\"AllowedHosts\": \"*\"}")];
    let trial = Trial::root("kestrel", &files);
    assert_eq!(trial.started("URLS=http://*:81 /opt/app/Shop").read().rows(), ["*:81 512"]);
    assert_eq!(Trial::root("kestrel", &files).read().rows(), [""; 0]);
}

#[test]
fn a_command_line_is_of_the_project_it_stands_in() {
    let files = [("a/App.csproj", PROJECT), ("b/App.csproj", PROJECT)];
    let trial = Trial::repository("kestrel", &files);
    let rows = trial.started("URLS=http://*:81 dotnet App.dll").read().rows();
    assert_eq!(rows, ["*:81 512", "*:81 512"]);
    let named = PROJECT.replace("<PropertyGroup>", "<PropertyGroup><AssemblyName>Shop</AssemblyName>");
    let trial = Trial::repository("kestrel", &[("a/App.csproj", &named)]);
    assert_eq!(trial.started("URLS=http://*:81 ./Shop").read().rows(), ["*:81 512"]);
    let old = PROJECT.replace("net8.0", "net6.0");
    let trial = Trial::repository("kestrel", &[("App.csproj", &old)]);
    assert_eq!(trial.started("HTTP_PORTS=81 dotnet App.dll").read().rows(), ["? 512"]);
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
