"""What a person can do about an error: a hint for each code where one helps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tipline.language import Text
from tipline.messages import N_

HINTS: Final[Mapping[str, Text]] = {
    "answer_late": N_(
        "set a status: it reaches whoever asks. Who writes again can be answered again"
    ),
    "answers_older": N_(
        "write these again, in a new file; if the vault was begun anew, from the next day on"
    ),
    "backup_running": N_("wait until it ends"),
    "backup_ahead": N_(
        "nothing was done; if this machine's clock is behind, set it. A backup that was dated by a"
        " wrong clock can be put back from that day on"
    ),
    "line_handed_over": N_(
        "if the new operator has not opened it, go on here: tipline close DIR --cancel --apply, and"
        " let the written file go"
    ),
    "handover_other": N_("nothing was done; name the file that the new operator opened"),
    "restore_slot_root": N_(
        "nothing was done; --slot-root is for a slot file that is made: with a handover, or with"
        " --new-slots"
    ),
    "handover_ending": N_(
        "before its day the end can be called off: tipline close DIR --cancel --apply; from"
        " then on the line stays here until its end"
    ),
    "restore_begun": N_("nothing was done; go on with the same file and the same options"),
    "restore_directory": N_("nothing was done; name a new directory, or the line's own"),
    "restore_log_unknown": N_(
        "nothing was done; ask whoever kept a checkpoint, or put the newest log.db into the line;"
        " --older-log goes on from the one that is there, or the backup's: if it is not the newest,"
        " everybody who kept a newer checkpoint sees two histories"
    ),
    "slots_of_another": N_(
        "nothing was done; tips of that line would be lost; if it is given up, or was moved, remove"
        " slot-file.line beside it, and its tipline.db if it is there"
    ),
    "restore_slots_left": N_(
        "go on with that one, or call it off: tipline restore DIR --cancel; if its directory is"
        " gone, shred -u overwrites and removes it"
    ),
    "restore_slots_away": N_("mount the disk that it was made on, and give the same command again"),
    "slot_file_in_use": N_("if a line is served with it, stop that line first"),
    "restore_unfinished": N_(
        "go on with the same command: tipline restore FILE DIR -i IDENTITY; or call it off: tipline"
        " restore DIR --cancel"
    ),
    "restore_slots_missing": N_(
        "name where it is by now: --slots PATH; if it is lost, all that was stored is dead, and"
        " --new-slots goes on without it"
    ),
    "restore_slots_there": N_("leave --new-slots out; for a handover, take a new directory"),
    "restore_log_shorter": N_(
        "nothing was done; if that log is damaged, put it aside, and take the backup's"
    ),
    "restore_log_older": N_(
        "nothing was done; put the newest log.db into the line, or give --older-log: then everybody"
        " who kept a newer checkpoint sees two histories"
    ),
    "restore_log_forked": N_("nothing was done; keep both, and find out which one was served"),
    "restore_database_opens": N_(
        "nothing was done; --replace puts the backup in its place, and destroys the keys of what"
        " came since"
    ),
    "restore_holds": N_(
        "nothing was done; what they keep would be lost. If they may end, release them first:"
        " tipline hold release DIR ID; else move tipline.db away knowingly"
    ),
    "mail_login": N_("look at mail.user and at the file in mail.password_file"),
    "mail_refused": N_("look at mail.from and mail.to; ask whoever runs the server"),
    "mail_tls": N_("look at mail.tls, mail.port and mail.authority"),
    "mail_unset": N_("fill in [mail]: a mail needs a server, a sender and somebody to go to"),
    "mail_unreachable": N_("look at mail.server and mail.port, and whether the server runs"),
    "configuration_missing_key": N_("docs/reference/configuration.md says what it is for"),
    "configuration_wrong_value": N_("docs/reference/configuration.md says which it can have"),
    "gateways_unknown_key": N_("docs/reference/gateways.md lists the keys there are"),
    "gateways_missing_key": N_("docs/reference/gateways.md says what it is for"),
    "gateways_wrong_value": N_("docs/reference/gateways.md says which it can have"),
    "gateways_own_socket": N_("name another path: run/gateway is a good one"),
    "gateways_folder": N_("make it, for this account alone, or name another: run/gateway"),
    "gateways_port": N_("end that program, or name another port"),
    "gateway_spool_missing": N_("docs/how-to/phones.md, chapter 2, says how it is made"),
    "gateway_secret_short": N_("make one with: openssl rand -hex 32"),
    "configuration_mail": N_("fill it in, or set mail.enabled to false"),
    "policy_wrong_value": N_("docs/reference/configuration.md says which it can have"),
    "readers_missing_key": N_("docs/reference/readers.md says what it is for"),
    "readers_unknown_key": N_("docs/reference/readers.md lists the keys there are"),
    "readers_wrong_value": N_("docs/reference/readers.md says which it can have"),
    "configuration_unknown_key": N_("docs/reference/configuration.md lists the keys there are"),
    "policy_missing_key": N_("decide how many days it is kept, and write it there"),
    "policy_contradiction": N_("make {key} shorter, or {limit} longer"),
    "clock_state": N_(
        "look what day it is, set this machine's clock, and confirm it: tipline clock DIR"
        " --confirm DAY"
    ),
    "clock_other_day": N_("set this machine's clock first, then confirm its day"),
    "instance_version": N_("start the line once, which brings its database up to date"),
    "hold_one_person": N_("let somebody else agree, and give that name"),
    "hold_until_far": N_("take a nearer day; when it comes, place another hold if there is need"),
    "hold_target": N_("give --channel or --tips"),
    "hold_channel": N_("look how the keyset spells it"),
    "hold_unknown": N_("look for its id: tipline hold list DIR"),
    "tip_unknown": N_("nothing was done; leave these out, or look whether they died already"),
    "tip_held": N_("nothing was done; release the hold first: tipline hold release DIR HOLD"),
    "operation_failed": N_("look for a full or read-only disk: tipline doctor DIR"),
    "operation_fault": N_("it may be done in part: look at it before you try again"),
    "operator_silent": N_("it may be starting or stopping: try again in a moment"),
    "permissions_open": N_("take the rights away from others: chmod go= {path}"),
    "instance_database": N_(
        "nothing was changed; put a backup back: tipline restore FILE DIR -i IDENTITY"
    ),
    "instance_missing": N_("make one: tipline init DIR"),
    "instance_exists": N_("give a directory that is new or empty"),
    "instance_newer": N_("use the newer program; an older one could lose what is there"),
    "instance_no_keyset": N_("install the one that the desk signed: tipline keyset DIR FILE"),
    "log_damaged": N_("stop, keep a copy as it is, and find out who changed it"),
    "log_behind": N_(
        "put the newest log.db back; going on from an older one makes a second history, which"
        " tipline restore does only with --older-log"
    ),
    "log_other": N_("put back the log.db that was served; keep this one, and find out what it is"),
    "log_mark": N_(
        "compare the log with what an auditor kept; if nothing is missing, remove that file"
    ),
    "cosignature_wrong": N_("ask the witness for its line again; compare both checkpoints"),
    "instance_path_long": N_("put the line into a directory with a shorter path"),
    "instance_path_characters": N_("use letters, digits, dots, dashes and underscores"),
    "tor_ended": N_("look what it says itself: tor -f DIR/tor/torrc"),
    "tor_refused": N_("install tor 0.4.9.11 or later"),
    "tor_stalled": N_("look whether this machine reaches the internet, and its clock"),
    "purge_incomplete": N_("look for a full or read-only disk: tipline doctor DIR"),
    "permissions_file": N_(
        "take the right away from others: chmod 600 {path}; a stick with FAT has no rights: copy"
        " the file to the workstation's disk, or mount the stick with -o umask=077"
    ),
    "passphrase_terminal": N_("put the passphrase into a file with mode 0600: --passphrase-file"),
    "age_recipients": N_("name a recipient (-r, -R) or take a passphrase (-p)"),
    "age_open_only": N_("to open a file, add -d"),
    "age_seal_only": N_("when opening, armor and passphrases are noticed without being named"),
    "age_terminal": N_("write it to a file (-o FILE), as text (-a), or insist (-o -)"),
    "page_not_built": N_("build it: node tipline/page/build.mjs"),
    "page_changed": N_("build it anew: node tipline/page/build.mjs"),
    "export_left": N_("look at them with tipline desk view, or copy them with --untouched"),
    "sandbox_missing": N_("apt-get install --no-install-recommends bubblewrap"),
    "sandbox_impossible": N_(
        "allow user namespaces; what the machine says: bwrap --unshare-all --ro-bind / / true"
    ),
    "sandbox_libraries": N_("script/setup desk installs them"),
    "offline_impossible": N_("run it as root, or allow user namespaces (see unshare(1))"),
    "program_missing": N_("script/setup names what is missing and installs it"),
    "keyset_expired": N_("sign a new one on the offline workstation: tipline desk keyset --help"),
    "keyset_old": N_("ask the desk for the newest keyset; an old one may name readers who left"),
    "no_match": N_("give the identity file of a reader the tip was sealed to: -i FILE"),
    "keyset_forked": N_(
        "use neither until whoever keeps the desk root knows who signed the other one; keep both"
        " files"
    ),
    "bundle_cut": N_("pull it again"),
    "client_passphrase": N_("leave --passphrase-file out"),
    "pull_client_key": N_("make one with tipline desk keygen --client, and give it: --client-key"),
    "pull_status": N_("a service without a keyset in force gives none: renew the keyset first"),
    "vault_missing": N_("make one with tipline desk init"),
    "vault_other_root": N_("compare the key with the one on paper before anything else"),
    "memory_missing": N_("give the desk root's key once, from paper: --root KEY"),
    "memory_damaged": N_("put that directory aside, and begin anew with --root KEY, from paper"),
    "memory_other_root": N_("compare both with the one on paper before anything else"),
    "broken_tips": N_("pull the bundle again; a tip that stays broken was damaged at the service"),
}
