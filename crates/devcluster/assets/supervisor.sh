# Runs the programs of one cluster, and ends them when the owner of the cluster is gone.
# Arguments: the data folder; "remove" to delete that folder at the end.
# Standard input: one command a line, each answered with one line. Its end means that the owner died.
#   start NAME   run the script run/NAME; answers its pid
#   stop NAME    kill it; answers "stopped"
#   keep         stay after the owner is gone, until this shell gets SIGTERM; answers "kept"
dir=$1
at_end=$2
guard=
if setpriv --pdeathsig KILL true 2>/dev/null; then guard='setpriv --pdeathsig KILL'; fi

# Only a child of this shell is killed: a pid that was reused by a stranger has another parent.
end() {
  read -r pid < "$1" || return
  { read -r _ _ _ parent _ < "/proc/$pid/stat"; } 2>/dev/null || return
  if [ "$parent" = $$ ]; then kill -9 "$pid"; fi
}
finish() {
  trap '' TERM INT HUP
  for file in "$dir"/run/*.pid; do end "$file"; done
  wait
  if [ "$at_end" = remove ]; then rm -rf "$dir"; fi
  exit 0
}
trap finish TERM INT HUP
# A caught (not ignored) SIGPIPE does not reach the programs, and a lost answer must not end this shell.
trap : PIPE

kept=
while read -r verb name; do
  case $verb in
    start)
      $guard sh "$dir/run/$name" </dev/null >>"$dir/logs/$name.log" 2>&1 &
      echo $! > "$dir/run/$name.pid"
      echo $! ;;
    stop)
      end "$dir/run/$name.pid"
      wait "$pid"
      echo stopped ;;
    keep)
      kept=yes
      echo kept ;;
  esac
done
if [ -n "$kept" ]; then wait; fi
finish
