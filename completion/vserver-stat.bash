# SPDX-License-Identifier: GPL-2.0-only
# Completion of vserver-stat in bash: its options.

_vserver-stat()
{
	mapfile -t COMPREPLY < <(compgen -W "$(vserver-stat --dump-commands 2>/dev/null |
		awk -F '\t' '$1 == "option" { sub(/=.*/, "=", $3); print $3 }')" \
		-- "${COMP_WORDS[COMP_CWORD]}")
	[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
}
complete -F _vserver-stat vserver-stat
