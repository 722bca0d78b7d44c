//! systemd's service units: which programs they start, after drop-ins, specifiers and variables. Which files make up a unit
//! is found in `files`, what a command line expands to in `expand`, where a number of a packaged unit goes in `dropin`.

mod dropin;
mod expand;
mod files;
mod service;

pub(crate) use dropin::take_over;

use super::Started;
use super::scene::Scene;
use crate::knowledge::Candidate;

pub(super) fn read(scene: &Scene<'_>, candidates: &[Candidate], started: &mut Started) {
    let manager = service::Manager::read(scene);
    for unit in files::units(scene, candidates) {
        if !scene.has_left() {
            break;
        }
        service::read(scene, &manager, &unit, started);
    }
}
