# SPDX-License-Identifier: GPL-2.0-only
# Completion of vhashify in bash: options of the program, guests of the pool,
# files after "=".

_vhashify()
{
	local word=${COMP_WORDS[COMP_CWORD]} command=- words
	[[ ${COMP_WORDS[1]} != history ]] || command=history
	if [[ ${COMP_WORDS[COMP_CWORD - 1]} == = ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
	elif [[ $word == -* ]]; then
		words=$(vhashify --dump-commands 2>/dev/null |
			awk -F '\t' -v c="$command" '$1 == "option" && $2 == c {
				sub(/=.*/, "=", $3); print $3 }')
	elif [[ $command == - ]]; then
		words=$(vtemplate list --json 2>/dev/null |
			sed -n 's/.*"name": *"\([^"]*\)".*/\1/p')
		((COMP_CWORD != 1)) || words+=" history"
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
	[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
}
complete -F _vhashify vhashify
