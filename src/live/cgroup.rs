//! What a process belongs to, by the path of its control group: a systemd unit, a container, a pod.

/// What a control group's path tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Belongs {
    pub(super) unit: Option<String>,
    /// The start of the container's id, as the runtimes' own lists print it.
    pub(super) container: Option<String>,
    /// The start of the pod's uid.
    pub(super) pod: Option<String>,
}

/// As long as `docker ps` and `crictl ps` print an id.
const SHORT_ID: usize = 12;
const ID: usize = 64;
const SHORT_UID: usize = 8;

/// Reads /proc/PID/cgroup: the line of version 2 where there is one that says something, else systemd's own of version 1.
pub(super) fn belongs(text: &str) -> Belongs {
    let path_of = |wanted: &str| {
        text.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            (controllers == wanted && path != "/").then_some(path)
        })
    };
    let path = path_of("").or_else(|| path_of("name=systemd")).or_else(|| path_of("memory"));
    path.map(of_path).unwrap_or_default()
}

fn of_path(path: &str) -> Belongs {
    let mut belongs = Belongs::default();
    for part in path.split('/') {
        if let Some(id) = container(part) {
            belongs.container = Some(id);
        } else if let Some(uid) = pod(part) {
            belongs.pod = Some(uid);
        } else if part.ends_with(".service") || part.ends_with(".socket") || part.ends_with(".mount") {
            belongs.unit = Some(unescaped(part));
        }
    }
    if belongs.container.is_some() {
        // The unit is that of the runtime, or none.
        belongs.unit = None;
    }
    belongs
}

/// `docker-<id>.scope`, `cri-containerd-<id>.scope`, `crio-<id>.scope`, `libpod-<id>.scope`, `lxc.payload.<name>`, or the bare
/// id where the runtime does not use systemd.
fn container(part: &str) -> Option<String> {
    if let Some(name) = part.strip_prefix("lxc.payload.") {
        return Some(name.to_owned());
    }
    let bare = part.strip_suffix(".scope").unwrap_or(part);
    let id = bare.rsplit('-').next()?;
    let is_id = id.len() == ID && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| id.get(..SHORT_ID).unwrap_or(id).to_owned())
}

/// `kubepods-burstable-pod1234_5678.slice`, or `pod1234-5678`.
fn pod(part: &str) -> Option<String> {
    let bare = part.strip_suffix(".slice").unwrap_or(part);
    let uid = match bare.strip_prefix("kubepods") {
        Some(rest) => rest.rsplit_once("-pod")?.1,
        None => bare.strip_prefix("pod")?,
    };
    let is_uid = uid.len() == 36 || uid.len() == 32;
    is_uid.then(|| uid.chars().take(SHORT_UID).collect())
}

/// systemd writes what a path cannot hold as `\x2d` (systemd.unit(5)).
fn unescaped(name: &str) -> String {
    let mut parts = name.split("\\x");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if byte.is_ascii() => {
                text.push(char::from(byte));
                text.push_str(part.get(2..).unwrap_or_default());
            }
            _ => {
                text.push_str("\\x");
                text.push_str(part);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> [Option<String>; 3] {
        let Belongs { unit, container, pod } = belongs(text);
        [unit, container, pod]
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    const ID: &str = "3f2a9c1d0b7e4a55c6d1e2f30415263748596a7b8c9d0e1f2a3b4c5d6e7f8091";

    #[test]
    fn paths_are_read_as_systemd_and_the_runtimes_make_them() {
        for (text, expected) in [
            ("0::/system.slice/nginx.service\n", [some("nginx.service"), None, None]),
            (
                "0::/system.slice/system-getty.slice/getty@tty1.service",
                [some("getty@tty1.service"), None, None],
            ),
            ("0::/system.slice/my\\x2dapp.service", [some("my-app.service"), None, None]),
            ("0::/init.scope\n", [None, None, None]),
            (
                "0::/\n1:name=systemd:/system.slice/php8.2-fpm.service",
                [some("php8.2-fpm.service"), None, None],
            ),
            (&format!("0::/system.slice/docker-{ID}.scope"), [None, some("3f2a9c1d0b7e"), None]),
            (&format!("12:memory:/docker/{ID}\n0::/"), [None, some("3f2a9c1d0b7e"), None]),
            (
                &format!(
                    "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0f1e2d3c_aaaa_bbbb_cccc_0123456789ab.slice/cri-containerd-{ID}.scope"
                ),
                [None, some("3f2a9c1d0b7e"), some("0f1e2d3c")],
            ),
            (
                &format!("0::/kubepods/besteffort/pod0f1e2d3c-aaaa-bbbb-cccc-0123456789ab/{ID}"),
                [None, some("3f2a9c1d0b7e"), some("0f1e2d3c")],
            ),
            (&format!("0::/machine.slice/libpod-{ID}.scope/container"), [None, some("3f2a9c1d0b7e"), None]),
            ("0::/lxc.payload.web1/system.slice/nginx.service", [None, some("web1"), None]),
            ("", [None, None, None]),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
