# Flattens YAML into lines "path<TAB>value": {a: [{b: 1}]} gives "a.0.b<TAB>1". In values a
# backslash, tab and line end are written \\, \t and \n. Values stay text; null is empty.
#
# Known: block mappings and sequences, plain, 'single' and "double" quoted values on one line,
# | and > blocks, flow collections on one line, comments. Not known: anchors, tags, values and flow
# collections over several lines, several documents. Keys hold no dots.

function emit(path, value) {
    gsub(/\\/, "\\\\", value)
    gsub(/\t/, "\\t", value)
    gsub(/\n/, "\\n", value)
    print path "\t" value
}

function join(parent, child) {
    return parent == "" ? child : parent "." child
}

function indent_of(text) {
    match(text, /^ */)
    return RLENGTH
}

# Sets TEXT to the scalar at the front of `text` and REST to what follows; `stops` end a plain one.
function take_scalar(text, stops,    quote, at, char, out) {
    quote = substr(text, 1, 1)
    if (quote != "'" && quote != "\"") {
        at = match(text, stops) ? RSTART : length(text) + 1
        TEXT = substr(text, 1, at - 1)
        sub(/[ \t]+$/, "", TEXT)
        REST = substr(text, at)
        if (TEXT == "~" || TEXT == "null") TEXT = ""
        return
    }
    out = ""
    for (at = 2; at <= length(text); at++) {
        char = substr(text, at, 1)
        if (quote == "'" && char == "'" && substr(text, at + 1, 1) == "'") at++
        else if (char == quote) break
        else if (quote == "\"" && char == "\\") {
            char = substr(text, ++at, 1)
            if (char == "n") char = "\n"
            else if (char == "t") char = "\t"
            else if (char == "r") char = "\r"
            else if (char == "e") char = "\033"
            else if (char == "0") char = ""
        }
        out = out char
    }
    TEXT = out
    REST = substr(text, at + 1)
}

# Emits the value at the front of `text`, a flow collection or a scalar; sets REST.
function take_flow(path, text, stops,    index_, key) {
    sub(/^[ \t]+/, "", text)
    if (text ~ /^\[/) {
        REST = substr(text, 2)
        for (index_ = 0; REST !~ /^[ \t]*(\]|$)/; index_++) {
            take_flow(join(path, index_), REST, "[],]")
            sub(/^[ \t]*,/, "", REST)
        }
        sub(/^[ \t]*\]/, "", REST)
    } else if (text ~ /^\{/) {
        REST = substr(text, 2)
        while (REST !~ /^[ \t]*(\}|$)/) {
            sub(/^[ \t]+/, "", REST)
            take_scalar(REST, "[:,}]")
            key = TEXT
            sub(/^[ \t]*:/, "", REST)
            take_flow(join(path, key), REST, "[],}]")
            sub(/^[ \t]*,/, "", REST)
        }
        sub(/^[ \t]*\}/, "", REST)
    } else {
        take_scalar(text, stops)
        emit(path, TEXT)
    }
}

# The value behind a key or a dash: on this line, or "pending" for the lines below.
function take_value(path, text, indent) {
    sub(/^[ \t]+/, "", text)
    if (text == "" || text ~ /^#/) {
        pending = path
        pending_is_open = 1
    } else if (text ~ /^[|>][-+0-9]*[ \t]*(#.*)?$/) {
        block_path = path
        block_style = text
        block_parent = indent
        block_indent = -1
        block = ""
        in_block = 1
    } else {
        take_flow(path, text, "[ \t]+#.*$")
    }
}

function end_block() {
    if (block_style !~ /\+/) sub(/\n+$/, "\n", block)
    if (block_style ~ /-/) sub(/\n$/, "", block)
    if (block_style ~ /^>/) {
        gsub(/\n/, " ", block)
        sub(/ $/, "\n", block)
    }
    emit(block_path, block)
    in_block = 0
}

# Opens or finds the collection that a node at `indent` belongs to; sets PARENT.
function enter(indent, kind) {
    while (depth > 0 && (indents[depth] > indent || (indents[depth] == indent && kind == "map" && kinds[depth] == "seq")))
        depth--
    if (depth == 0 || indents[depth] < indent || kinds[depth] != kind) {
        depth++
        indents[depth] = indent
        kinds[depth] = kind
        paths[depth] = pending
        counts[depth] = 0
    }
    pending_is_open = 0
    PARENT = paths[depth]
}

function node(text, indent,    at, path) {
    if (text ~ /^-([ \t]|$)/) {
        enter(indent, "seq")
        path = join(PARENT, counts[depth]++)
        at = match(substr(text, 2), /[^ \t]/) ? RSTART + 1 : 0
        if (at && (is_key(substr(text, at)) || substr(text, at) ~ /^-[ \t]/)) {
            pending = path
            node(substr(text, at), indent + at - 1)
        } else {
            take_value(path, substr(text, 2), indent)
        }
    } else if (is_key(text)) {
        enter(indent, "map")
        take_scalar(text, ":([ \t]|$)")
        path = join(PARENT, TEXT)
        sub(/^[ \t]*:/, "", REST)
        take_value(path, REST, indent)
    } else if (pending_is_open) {
        pending_is_open = 0
        take_flow(pending, text, "[ \t]+#.*$")
    }
}

# Whether a line begins with a mapping's key.
function is_key(text) {
    if (text ~ /^"/) return text ~ /^"([^"\\]|\\.)*"[ \t]*:([ \t]|$)/
    if (text ~ /^'/) return text ~ /^'([^']|'')*'[ \t]*:([ \t]|$)/
    return text ~ /^[^][#{},&*!|>%@ \t][^#]*:([ \t]|$)/
}

BEGIN { pending = "" }

{
    sub(/\r$/, "")
    if (in_block) {
        if ($0 ~ /^[ \t]*$/ && (block_indent < 0 || length($0) <= block_indent)) {
            block = block "\n"
            next
        }
        if (indent_of($0) > block_parent) {
            if (block_indent < 0) block_indent = indent_of($0)
            block = block substr($0, block_indent + 1) "\n"
            next
        }
        end_block()
    }
    if ($0 ~ /^[ \t]*(#.*)?$/ || $0 ~ /^(---|\.\.\.)([ \t]|$)/) next
    node(substr($0, indent_of($0) + 1), indent_of($0))
}

END { if (in_block) end_block() }
