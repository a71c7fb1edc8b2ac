# SPDX-License-Identifier: GPL-2.0-only
# Completion of vtemplate in bash. Commands and options come from the program.

_vtemplate()
{
	local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} words
	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		words="$(vtemplate --dump-commands 2>/dev/null |
			awk -F '\t' '$1 == "command" { print $2 }') --help --version"
	elif [[ $word == -* ]]; then
		words=$(vtemplate --dump-commands 2>/dev/null |
			awk -F '\t' -v c="$command" '$1 == "option" && $2 == c {
				sub(/=.*/, "=", $3); print $3 }')
	elif [[ $command == import || $command == build ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
	else
		words=$(vtemplate list --json 2>/dev/null |
			sed -n 's/.*"name": *"\([^"]*\)".*/\1/p')
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
	[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
}
complete -F _vtemplate vtemplate
