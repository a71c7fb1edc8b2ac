# SPDX-License-Identifier: GPL-2.0-only
# Completion of vhashify in bash: options of the program, guests of the pool.

_vhashify()
{
	local word=${COMP_WORDS[COMP_CWORD]} words
	if [[ $word == -* ]]; then
		words=$(vhashify --dump-commands 2>/dev/null |
			awk -F '\t' '$1 == "option" { sub(/=.*/, "=", $3); print $3 }')
	else
		words=$(vtemplate list --json 2>/dev/null |
			sed -n 's/.*"name": *"\([^"]*\)".*/\1/p')
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
	[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
}
complete -F _vhashify vhashify
