//! What the screen knows: fed by reports and keys, drawn by [`screen`](super::screen), aware of neither clock nor terminal.

use std::time::Duration;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::past::Past;
use super::rows::{self, Key, Row};
use crate::report::Report;

/// The state of the screen.
#[derive(Debug)]
pub struct App {
    /// The name of the machine.
    pub(super) machine: String,
    /// How often it is looked at.
    pub(super) every: Duration,
    pub(super) shown: Option<Report>,
    pub(super) rows: Vec<Row>,
    /// What came while the screen was paused.
    held: Option<Report>,
    past: Past,
    /// The past as it was when the screen was paused.
    frozen: Option<Past>,
    /// What a person should know of the looking itself.
    pub(super) note: Option<String>,
    pub(super) sort: Sort,
    pub(super) reversed: bool,
    pub(super) filter: String,
    pub(super) mode: Mode,
    shows_idle: bool,
    /// The row that is followed; the top one where none was chosen.
    chosen: Option<Key>,
    /// The rows that are shown, by index, in order.
    pub(super) order: Vec<usize>,
    /// Idle unix sockets that are not shown.
    pub(super) hidden: usize,
    /// The first row on the screen, and how many there is room for: the drawing says.
    pub(super) top: usize,
    pub(super) page: usize,
    /// The first line of the detail or the help, and the last that it may be.
    pub(super) scroll: usize,
    pub(super) scroll_end: usize,
}

/// What the rows go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Fullness,
    Drops,
    Address,
    Name,
}

/// What keys mean now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mode {
    List,
    /// A filter is typed; what it was before.
    Filter(String),
    Detail,
    Help,
}

/// Whether the screen is still wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Still,
    NoMore,
}

impl App {
    pub fn new(machine: &str, every: Duration) -> Self {
        Self {
            machine: crate::report::inline(machine),
            every,
            shown: None,
            rows: Vec::new(),
            held: None,
            past: Past::default(),
            frozen: None,
            note: None,
            sort: Sort::Fullness,
            reversed: false,
            filter: String::new(),
            mode: Mode::List,
            shows_idle: false,
            chosen: None,
            order: Vec::new(),
            hidden: 0,
            top: 0,
            page: 1,
            scroll: 0,
            scroll_end: 0,
        }
    }

    /// Takes in a look at the machine. While the screen is paused it only goes into the past.
    pub fn take(&mut self, report: Report, note: Option<String>) {
        let rows = rows::rows(&report);
        self.past.note(&rows);
        self.note = note;
        if self.is_paused() {
            self.held = Some(report);
            return;
        }
        self.shown = Some(report);
        self.rows = rows;
        self.arrange();
    }

    /// Answers a key.
    pub fn press(&mut self, key: KeyEvent) -> Wanted {
        if key.kind == KeyEventKind::Release {
            return Wanted::Still;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match (key.code, &self.mode) {
            (KeyCode::Char('c'), _) if control => return Wanted::NoMore,
            (KeyCode::Char('u'), Mode::Filter(_)) if control => self.type_filter(String::clear),
            (KeyCode::Char(_), _) if control => {}
            (code, Mode::Filter(_)) => self.press_in_filter(code),
            (code, Mode::Help | Mode::Detail) => self.press_on_page(code),
            (KeyCode::Char('q') | KeyCode::Esc, Mode::List) => return Wanted::NoMore,
            (code, Mode::List) => self.press_in_list(code),
        }
        Wanted::Still
    }

    fn press_in_list(&mut self, code: KeyCode) {
        let page = isize::try_from(self.page).unwrap_or(1).max(1);
        match code {
            KeyCode::Up | KeyCode::Char('k') => self.step(-1),
            KeyCode::Down | KeyCode::Char('j') => self.step(1),
            KeyCode::PageUp => self.step(-page),
            KeyCode::PageDown => self.step(page),
            KeyCode::Home | KeyCode::Char('g') => self.choose_top(),
            KeyCode::End | KeyCode::Char('G') => self.step(isize::MAX),
            KeyCode::Enter | KeyCode::Char('d') if !self.order.is_empty() => self.open(Mode::Detail),
            KeyCode::Char('/') => self.mode = Mode::Filter(self.filter.clone()),
            code => self.press_anywhere(code),
        }
    }

    /// What a key does to the picture, whichever page is open.
    fn press_anywhere(&mut self, code: KeyCode) {
        match code {
            KeyCode::Char('s') => self.sort = self.sort.next(),
            KeyCode::Char('r') => self.reversed = !self.reversed,
            KeyCode::Char('u') => self.shows_idle = !self.shows_idle,
            KeyCode::Char('p' | ' ') => return self.pause_or_resume(),
            KeyCode::Char('?' | 'h') => return self.open(Mode::Help),
            _ => return,
        }
        self.arrange();
    }

    fn press_in_filter(&mut self, code: KeyCode) {
        match code {
            KeyCode::Enter => self.mode = Mode::List,
            KeyCode::Esc => {
                if let Mode::Filter(before) = std::mem::replace(&mut self.mode, Mode::List) {
                    self.type_filter(|filter| *filter = before);
                }
            }
            KeyCode::Backspace => self.type_filter(|filter| {
                filter.pop();
            }),
            KeyCode::Char(c) if !c.is_control() => self.type_filter(|filter| filter.push(c)),
            _ => {}
        }
    }

    /// Keys on the pages that lie over the list: they scroll, and lead back.
    fn press_on_page(&mut self, code: KeyCode) {
        let page = self.page.max(2) - 1;
        match code {
            KeyCode::Up | KeyCode::Char('k') => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.scroll += 1,
            KeyCode::PageUp => self.scroll = self.scroll.saturating_sub(page),
            KeyCode::PageDown => self.scroll += page,
            KeyCode::Home | KeyCode::Char('g') => self.scroll = 0,
            KeyCode::End | KeyCode::Char('G') => self.scroll = self.scroll_end,
            KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q' | 'd') => self.mode = Mode::List,
            KeyCode::Char('?' | 'h') if self.mode == Mode::Help => self.mode = Mode::List,
            KeyCode::Char('p' | ' ' | '?' | 'h') => self.press_anywhere(code),
            _ => {}
        }
        self.scroll = self.scroll.min(self.scroll_end);
    }

    fn open(&mut self, page: Mode) {
        // The detail stays with its listener, wherever the order puts it.
        self.chosen = self.selected_row().map(|row| row.key.clone());
        (self.mode, self.scroll, self.scroll_end) = (page, 0, 0);
    }

    fn type_filter(&mut self, change: impl FnOnce(&mut String)) {
        change(&mut self.filter);
        self.chosen = None;
        self.arrange();
    }

    pub(super) fn is_paused(&self) -> bool {
        self.frozen.is_some()
    }

    fn pause_or_resume(&mut self) {
        if self.frozen.take().is_none() {
            self.frozen = Some(self.past.clone());
            return;
        }
        if let Some(report) = self.held.take() {
            self.rows = rows::rows(&report);
            self.shown = Some(report);
            self.arrange();
        }
    }

    /// The past that belongs to what is shown.
    pub(super) fn past(&self) -> &Past {
        self.frozen.as_ref().unwrap_or(&self.past)
    }

    /// The place of the selected row in the order.
    pub(super) fn selected(&self) -> usize {
        let Some(chosen) = &self.chosen else { return 0 };
        let is_chosen = |index: &usize| self.rows.get(*index).is_some_and(|row| row.key == *chosen);
        self.order.iter().position(is_chosen).unwrap_or(0)
    }

    pub(super) fn selected_row(&self) -> Option<&Row> {
        self.rows.get(*self.order.get(self.selected())?)
    }

    /// Moves the selection; it stays on its row from then on.
    fn step(&mut self, by: isize) {
        let last = self.order.len().saturating_sub(1);
        let to = self.selected().saturating_add_signed(by).min(last);
        let row = self.order.get(to).and_then(|index| self.rows.get(*index));
        self.chosen = row.map(|row| row.key.clone());
    }

    /// Back to the top, whichever row stands there.
    fn choose_top(&mut self) {
        self.chosen = None;
    }

    /// Finds the rows that are shown, and their order.
    fn arrange(&mut self) {
        let past = self.past();
        let is_hidden = |row: &Row| {
            let followed = self.mode == Mode::Detail && self.chosen.as_ref() == Some(&row.key);
            row.is_unix() && !self.shows_idle && !followed && row.queued == 0 && past.is_idle(row)
        };
        let all = self.rows.iter().enumerate().filter(|(_, row)| row.matches(&self.filter));
        let (hidden, shown): (Vec<_>, Vec<_>) = all.partition(|(_, row)| is_hidden(row));
        let hidden = hidden.len();
        let mut order: Vec<(f64, usize, &Row)> =
            shown.into_iter().map(|(index, row)| (past.recent(row), index, row)).collect();
        order.sort_by(|a, b| {
            let by = self.sort.compare((a.0, a.2), (b.0, b.2));
            if self.reversed { by.reverse() } else { by }
        });
        let order = order.into_iter().map(|(_, index, _)| index).collect();
        (self.order, self.hidden) = (order, hidden);
        if self.chosen.is_some() && self.selected() == 0 {
            // The row may have gone; its place is not another row's.
            self.chosen = self
                .selected_row()
                .map(|row| row.key.clone())
                .filter(|key| self.chosen.as_ref() == Some(key));
            if self.mode == Mode::Detail && self.chosen.is_none() {
                self.mode = Mode::List;
            }
        }
    }
}

impl Sort {
    fn next(self) -> Self {
        match self {
            Sort::Fullness => Sort::Drops,
            Sort::Drops => Sort::Address,
            Sort::Address => Sort::Name,
            Sort::Name => Sort::Fullness,
        }
    }

    /// Two rows, each with its fullest moment of late.
    fn compare(self, (a_full, a): (f64, &Row), (b_full, b): (f64, &Row)) -> std::cmp::Ordering {
        let drops = |row: &Row| row.dropped.unwrap_or(0.0);
        let fullness = b_full.total_cmp(&a_full);
        let by_drops = drops(b).total_cmp(&drops(a));
        let by = match self {
            Sort::Fullness => fullness.then(by_drops),
            Sort::Drops => by_drops.then(fullness),
            Sort::Address => std::cmp::Ordering::Equal,
            Sort::Name => a.service.cmp(&b.service),
        };
        by.then_with(|| a.key.cmp_address(&b.key))
    }
}
