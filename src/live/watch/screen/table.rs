//! The table: a row a listener.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::paint::Paint;
use super::put;
use crate::live::watch::app::{App, Sort};
use crate::live::watch::past::LOOKS;
use crate::live::watch::rows::Row;
use crate::live::watch::words;
use crate::report::{left, right};

/// The mark of the selected row, and a blank.
const MARK: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Address,
    Namespace,
    Service,
    Owner,
    Gauge,
    Now,
    Peak,
    Limit,
    Drops,
    Spark,
}

/// A column.
#[derive(Debug, Clone, Copy)]
struct Column {
    name: Name,
    /// Blanks before it.
    gap: usize,
    /// What it has; at first what it may not be narrower than.
    width: usize,
    /// What is enough, and what it could fill.
    wish: usize,
    most: usize,
}

/// Which columns give way first on a narrow screen.
const GIVES_WAY: [Name; 6] =
    [Name::Owner, Name::Spark, Name::Service, Name::Drops, Name::Peak, Name::Namespace];

pub(super) fn draw(buffer: &mut Buffer, area: Rect, app: &mut App, paint: &Paint) {
    app.page = usize::from(area.height.saturating_sub(1));
    app.top = top(app);
    let columns = columns(app, usize::from(area.width));
    let mut lines = vec![titles(app, &columns, paint)];
    let selected = app.selected();
    let shown = app.order.iter().enumerate().skip(app.top).take(app.page);
    for (nth, row) in shown.filter_map(|(nth, index)| Some((nth, app.rows.get(*index)?))) {
        lines.push(line(app, row, nth == selected, &columns, paint));
    }
    if app.order.is_empty() && app.shown.is_some() {
        lines.push(Line::from(Span::styled(nothing(app), paint.faint())));
    }
    put(buffer, area, &lines);
}

/// The first row that is shown: it stays where it is as long as the selected row is to be seen.
fn top(app: &App) -> usize {
    let (selected, page) = (app.selected(), app.page.max(1));
    let least = (selected + 1).saturating_sub(page);
    let most = selected.min(app.order.len().saturating_sub(page));
    app.top.min(most.max(least)).max(least)
}

fn nothing(app: &App) -> String {
    match (app.filter.is_empty(), app.hidden) {
        (true, 0) => "  nothing listens".to_owned(),
        (_, 0) => "  no listener matches the filter".to_owned(),
        _ => "  only idle unix sockets; u shows them".to_owned(),
    }
}

fn columns(app: &App, width: usize) -> Vec<Column> {
    let rows: Vec<&Row> = app.order.iter().filter_map(|index| app.rows.get(*index)).collect();
    let widest = |text: fn(&Row) -> String| rows.iter().map(|row| text(row).width()).max().unwrap_or(0);
    let gauge = if width >= 150 { 16 } else { 12 };
    let column = |name, gap, width, wish, most| Column { name, gap, width, wish, most };
    let mut columns = vec![
        column(Name::Address, 0, 14, 22, widest(Row::label).min(44)),
        column(Name::Namespace, 2, 5, 12, widest(|row| row.namespace.clone()).min(24)),
        column(Name::Service, 2, 7, 12, widest(|row| row.service.clone()).min(20)),
        column(Name::Owner, 2, 14, 18, widest(|row| row.owner.clone()).min(32)),
        column(Name::Gauge, 2, 8, 8, if width >= 100 { gauge } else { 8 }),
        column(Name::Now, 1, 5, 5, 5),
        column(Name::Peak, 1, 5, 5, 5),
        column(Name::Limit, 1, 5, 5, 5),
        column(Name::Drops, 1, 7, 7, 7),
        column(Name::Spark, 2, 8, 20, usize::try_from(LOOKS).unwrap_or(0)),
    ];
    let first = app.rows.first().map(|row| &row.namespace);
    if app.rows.iter().all(|row| Some(&row.namespace) == first) {
        columns.retain(|column| column.name != Name::Namespace);
    }
    fit(columns, width.saturating_sub(MARK + 1))
}

/// Leaves out what there is no room for, and gives the room that is left to those that wish for more: first what each needs,
/// then whatever each could fill.
fn fit(mut columns: Vec<Column>, width: usize) -> Vec<Column> {
    let taken = |columns: &[Column]| columns.iter().map(|column| column.gap + column.width).sum::<usize>();
    for name in GIVES_WAY {
        if taken(&columns) > width {
            columns.retain(|column| column.name != name);
        }
    }
    let mut room = width.saturating_sub(taken(&columns));
    let wishes: [fn(&Column) -> usize; 2] = [|column| column.wish.min(column.most), |column| column.most];
    for wish in wishes {
        for column in &mut columns {
            let more = room.min(wish(column).saturating_sub(column.width));
            (column.width, room) = (column.width + more, room - more);
        }
    }
    columns
}

fn titles(app: &App, columns: &[Column], paint: &Paint) -> Line<'static> {
    let mut spans = vec![Span::raw(" ".repeat(MARK))];
    for column in columns {
        let sorted = sorted_by(app.sort) == column.name;
        // The arrow shows where the large ones are.
        let down = app.reversed == matches!(app.sort, Sort::Address | Sort::Name);
        let arrow = if down { paint.sign("▾", "v") } else { paint.sign("▴", "^") };
        let title = title(app, column);
        let title = if sorted { format!("{title}{arrow}") } else { title };
        let title =
            if is_number(column.name) { right(&title, column.width) } else { left(&title, column.width) };
        let style = if sorted { Style::new() } else { paint.faint() };
        spans.extend([Span::raw(" ".repeat(column.gap)), Span::styled(title, style)]);
    }
    Line::from(spans)
}

fn sorted_by(sort: Sort) -> Name {
    match sort {
        Sort::Fullness => Name::Gauge,
        Sort::Drops => Name::Drops,
        Sort::Address => Name::Address,
        Sort::Name => Name::Service,
    }
}

fn title(app: &App, column: &Column) -> String {
    match column.name {
        Name::Address => "address".to_owned(),
        Name::Namespace => "netns".to_owned(),
        Name::Service => "service".to_owned(),
        Name::Owner => "owner".to_owned(),
        Name::Gauge => "queue".to_owned(),
        Name::Now => "now".to_owned(),
        Name::Peak => "peak".to_owned(),
        Name::Limit => "limit".to_owned(),
        Name::Drops => "drop/s".to_owned(),
        Name::Spark => {
            let looks = u32::try_from(LOOKS).unwrap_or(1);
            let long = format!("last {}", words::time(app.every.saturating_mul(looks)));
            if long.len() <= column.width { long } else { "history".to_owned() }
        }
    }
}

fn is_number(name: Name) -> bool {
    matches!(name, Name::Now | Name::Peak | Name::Limit | Name::Drops)
}

fn line(app: &App, row: &Row, selected: bool, columns: &[Column], paint: &Paint) -> Line<'static> {
    let mark = if selected { paint.sign("▸ ", "> ") } else { "  " };
    let mut spans = vec![Span::styled(mark, paint.strong())];
    for column in columns {
        spans.push(Span::raw(" ".repeat(column.gap)));
        spans.extend(cell(app, row, selected, column, paint));
    }
    Line::from(spans)
}

fn cell(app: &App, row: &Row, selected: bool, column: &Column, paint: &Paint) -> Vec<Span<'static>> {
    let width = column.width;
    let name = if selected { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() };
    let number = |number: u32| {
        let style = if number == 0 { paint.faint() } else { paint.state(row) };
        vec![Span::styled(right(&words::number(number), width), style)]
    };
    match column.name {
        Name::Address => vec![Span::styled(paint.tail(&row.label(), width), name)],
        Name::Namespace => vec![Span::raw(paint.head(&row.namespace, width))],
        Name::Service => vec![Span::raw(paint.head(&row.service, width))],
        Name::Owner => vec![Span::styled(paint.head(&row.owner, width), paint.faint())],
        Name::Gauge => paint.gauge(row, width),
        Name::Now => number(row.queued),
        Name::Peak => number(row.peak.max(row.queued)),
        Name::Limit => vec![Span::raw(right(&words::number(row.limit), width))],
        Name::Drops => {
            let text = row.dropped.map_or_else(|| "-".to_owned(), words::per_second);
            let style = if row.is_dropping() { paint.state(row) } else { paint.faint() };
            vec![Span::styled(right(&text, width), style)]
        }
        Name::Spark => paint.sparkline(&app.past().columns(row, width)),
    }
}
