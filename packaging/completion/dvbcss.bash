# Completion of dvbcss and dvbcssd for bash. What can be completed comes from --help, and names of
# what is there from the running daemon, so that nothing here grows old.

# _dvbcss_options PROGRAM [COMMAND]: the long options that its help names.
_dvbcss_options() {
    "$@" --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]*' | sort -u
}

# _dvbcss_commands PROGRAM [COMMAND]: the first words of the lines below "Commands:".
_dvbcss_commands() {
    "$@" --help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\).*/\1/p' | sort -u
}

# _dvbcss_second PROGRAM WORD: the second words of ctl's commands that begin with WORD.
_dvbcss_second() {
    "$1" ctl --help 2>/dev/null | sed -n "/^Commands:/,/^\$/s/^  $2 \([a-z][a-z-]*\).*/\1/p" | sort -u
}

# _dvbcss_ask PROGRAM LIST: the first column of a list of the daemon.
_dvbcss_ask() {
    "$1" ctl --timeout 1 "$2" 2>/dev/null | sed 1d | cut -d' ' -f1
}

_dvbcss_ctl_words() {
    local program=$1 first=$2 second=$3
    if [ -z "$first" ]; then
        _dvbcss_commands "$program" ctl
        return
    fi
    if [ -z "$second" ]; then
        _dvbcss_second "$program" "$first"
    fi
    case $first:$second in
    enable: | disable: | limit: | connections:) _dvbcss_ask "$program" endpoints ;;
    connection: | close:) _dvbcss_ask "$program" connections ;;
    cancel:) _dvbcss_ask "$program" scheduled ;;
    timeline:add) ;;
    timeline:?*) _dvbcss_ask "$program" timelines ;;
    esac
}

_dvbcss() {
    local program=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]}
    local previous=${COMP_WORDS[COMP_CWORD - 1]} command='' word words=() found
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case $word in
        -*) ;;
        *) words+=("$word") ;;
        esac
    done
    command=${words[0]-}
    case $previous in
    --socket | --token-file | --ca-file | -S)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    esac
    case $command:$current in
    :-*) found='--help --version' ;;
    :*) found=$(_dvbcss_commands "$program") ;;
    *:-*) found=$(_dvbcss_options "$program" "$command") ;;
    ctl:*) found=$(_dvbcss_ctl_words "$program" "${words[1]-}" "${words[2]-}") ;;
    *)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$found" -- "$current")
}

_dvbcssd() {
    local program=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]}
    local previous=${COMP_WORDS[COMP_CWORD - 1]} keys
    case $previous:$current in
    --set:* | -s:*)
        keys=$("$program" --print-config 2>/dev/null |
            sed -n -e 's/^\[\(.*\)\]$/\1/;t name' -e 's/^\([a-z][a-z0-9_]*\) = .*/\1/p;b' \
                -e ':name' -e 'h;s/^/[/p' |
            awk '/^\[/ { section = substr($0, 2); next } { print section "." $0 "=" }')
        compopt -o nospace 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -W "$keys" -- "$current")
        ;;
    *:-*) mapfile -t COMPREPLY < <(compgen -W "$(_dvbcss_options "$program")" -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    esac
}

complete -F _dvbcss dvbcss
complete -F _dvbcssd dvbcssd
