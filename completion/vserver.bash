# SPDX-License-Identifier: GPL-2.0-only
# Completion of vserver in bash. Commands and options come from the program; the name
# of a guest may stand before the command or after it.

_vserver()
{
	local word=${COMP_WORDS[COMP_CWORD]} command='' words commands i
	COMPREPLY=()
	commands=$(vserver --dump-commands 2>/dev/null |
		awk -F '\t' '$1 == "command" { print $2 }')
	for i in 2 1; do
		if ((i < COMP_CWORD)) &&
			grep -qxF -e "${COMP_WORDS[i]}" <<<"$commands"; then
			command=${COMP_WORDS[i]}
			break
		fi
	done
	if [[ $word == -* && -z $command ]]; then
		words='--pool= --help --version'
	elif [[ $word == -* ]]; then
		words=$(vserver --dump-commands 2>/dev/null |
			awk -F '\t' -v c="$command" '$1 == "option" && $2 == c {
				sub(/=.*/, "=", $3); print $3 }')
	else
		words=$(vserver list --json 2>/dev/null |
			sed -n 's/.*"name": *"\([^"]*\)".*/\1/p')
		[[ -n $command ]] || words="$words $commands --help --version"
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
	[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
}
complete -F _vserver vserver
