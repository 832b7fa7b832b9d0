"""
What a person reads when something goes wrong: one text per error code. Hints stand in `hints.py`.

Errors carry a code and typed facts; the words stand here, in the catalogue's reach.
A test holds that every code has its text and every placeholder its fact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tipline.language import Counted, Text


def N_(text: str) -> str:  # noqa: N802  # gettext's own name for "extract, do not translate yet"
    """
    Mark *text* for the catalogue.

    Args:
        text: In English.

    Returns:
        *text* itself.
    """
    return text


def NN_(one: str, many: str, *, by: str = "count") -> Counted:  # noqa: N802  # as N_
    """
    Mark a text and its plural for the catalogue.

    Args:
        one: In English, for one.
        many: In English, for any other number.
        by: The placeholder that is the number.

    Returns:
        Both.
    """
    return Counted(one=one, many=many, by=by)


ERRORS: Final[Mapping[str, Text]] = {
    "malformed": N_("this is not in the format it should be in ({detail})"),
    "too_large": N_("this is larger than allowed ({detail})"),
    "no_match": N_("none of the keys given opens this"),
    "forged": N_("this was changed or cut on the way: its seal does not hold"),
    "wrong_passphrase": N_("wrong passphrase"),
    "recipient": N_("this recipient is not allowed here ({detail})"),
    "foreign": N_("this opens, but is not a tip in our format ({detail})"),
    "no_room": N_("this disk has no room for it; a tip takes twice its size while it is opened"),
    "keyset_unsigned": N_("the keyset is not signed by the desk root that is pinned here"),
    "keyset_expired": N_("the keyset expired on {valid_until}: nobody reads until it is renewed"),
    "keyset_early": N_("the keyset is not valid before {valid_from}"),
    "keyset_old": N_("keyset {number} is older than keyset {seen}, which was seen before"),
    "keyset_too_long": N_("a keyset lives at most {limit} days"),
    "keyset_too_many_readers": N_(
        "channel {channel} has {count} readers; a channel has at most {limit},"
        " because every envelope has exactly {limit} places and their number must tell nothing"
    ),
    "keyset_unread": N_("on {day} nobody reads channel {channel}"),
    "keyset_malformed": N_("the keyset is not in its format ({detail})"),
    "outgoing_malformed": N_("the outgoing bundle is not in its format ({detail})"),
    "outgoing_unsigned": N_("the outgoing bundle is not signed by a reader who answers"),
    "outgoing_early": N_("the outgoing bundle is dated {made_on}, a day to come"),
    "outgoing_expired": N_("the outgoing bundle was good until {expires_on}"),
    "answer": N_("this answer cannot be given"),
    "answer_nowhere": N_("nobody can be answered: this tip did not come from a phone's number"),
    "answer_over": N_("{reply_until} was the last day for an answer: the number is gone"),
    "answer_late": N_("the app took an answer until {until}: what is sent later does not arrive"),
    "answer_no_key": N_("the keyset names no key for answers: this line gives none by phone"),
    "answer_not_reader": N_("this signing key is not one that answers in channel {channel}"),
    "answer_text": N_("an answer is plain text of 1 to {limit} characters"),
    "answer_long": N_("this takes {parts} messages; an answer takes at most {limit}"),
    "answer_status_long": N_("this status takes more than one message: shorten the unit's name"),
    "answer_other_file": N_("{path} is not an outgoing bundle of this key"),
    "answer_full": N_("{path} holds {limit} answers already: take another file"),
    "answer_signing": N_("{path} holds no key that signs answers"),
    "answer_status": N_("what is closed has no day by which an answer comes"),
    "answer_status_unit": N_("the unit's name is one line of plain text"),
    "answers_not_taken": NN_("{count} answer was not taken", "{count} answers were not taken"),
    "answer_day": N_("a day is written YYYY-MM-DD"),
    "answer_day_over": N_("{day} is over: nobody can expect an answer by then"),
    "answers_keyset": N_("the service has no keyset in force: it takes no answers"),
    "answers_phones": N_(
        "this line takes no answers by phone, or its keyset names another key for them"
    ),
    "answers_older": NN_(
        "{count} answer was not taken, since a newer file of this key was brought before",
        "{count} answers were not taken, since a newer file of this key was brought before",
    ),
    "answers_refused": N_(
        "the service took nothing: no reader who answers signed this, or it is damaged or too old"
    ),
    "usage": N_("the command was called wrongly"),
    # One per class, for an error made without a code of its own.
    "crypto": N_("this could not be sealed, opened or checked"),
    "retention": N_("what must go could not be planned"),
    "tipline": N_("this did not work"),
    "policy": N_("the policy does not hold"),
    "configuration": N_("the configuration does not hold"),
    "instance": N_("this directory cannot be used as an instance"),
    "permissions": N_("a file that holds a secret can be read by others"),
    "network": N_("the other side does not answer as agreed"),
    "bundle": N_("the bundle is incomplete or was changed"),
    "check": N_("what was opened is not what was sent ({detail})"),
    "check_service": N_("the service did not get onto its onions: {talk}"),
    "check_desk": N_("the desk refused: {reason}"),
    "check_sending": N_("the page's worker did not bring the tip to the line: {reason}"),
    "check_count": N_("the desk opened {count} tips where one was sent"),
    "check_traces": N_("what was sent stands in clear on the server: {places}"),
    "check_only": N_("--text, --file, --keep and --json go with --check"),
    "check_no_tor": N_("--no-tor does not go with --check, which has a Tor network of its own"),
    "check_text": N_("{path} holds no text in UTF-8"),
    "check_keep": N_("{path} is not empty"),
    "file": N_("a file cannot be read or written"),
    "file_system": N_("{path}: {reason}"),
    "file_exists": N_("there is something under the name {path} already"),
    "file_changed": N_("{path} changed while it was read"),
    "file_not_overwritten": N_("{path} was overwritten, and something else was read back"),
    "backup_running": N_("another command is making a backup of {path}"),
    "backup_ahead": N_(
        "this backup says that it was made on {made_on}, and today is {today} at the latest"
    ),
    "backup_expired": N_(
        "this backup was made on {made_on}, and by its policy it must not be used from {dies_on} on"
    ),
    "line_handed_over": N_("the line in {path} was handed over to another operator"),
    "handover_recipient": N_("a handover needs a recipient: -r"),
    "handover_ending": N_("the end of this line was announced, for {day}"),
    "handover_none": N_("no handover of the line in {path} was begun"),
    "handover_other": N_("{path} is not the file that was written"),
    "line_ended": N_("the line in {path} has ended, and its keys are gone"),
    "close_day_far": NN_(
        "the day {day} is more than {limit} day away",
        "the day {day} is more than {limit} days away",
        by="limit",
    ),
    "close_day_past": N_("the day {day} is not after today, {today}"),
    "close_begun": N_("the end of this line was announced already, for {day}"),
    "close_not_begun": N_("the end of this line was not announced"),
    "close_too_late": N_("the line has stopped taking tips; that cannot be called off any more"),
    "restore_unfinished": N_("a backup is being put into {path}, and that was not finished"),
    "restore_begun": N_(
        "the backup of {made_on} is being put into {path}, and a part of it is in place already"
    ),
    "restore_directory": N_("{path} is neither empty nor a line"),
    "restore_log_unknown": NN_(
        "the log has {count} entry, and nothing here tells how far it was shown",
        "the log has {count} entries, and nothing here tells how far it was shown",
    ),
    "restore_file": N_(
        "a restore needs a file and an identity: tipline restore FILE DIR -i IDENTITY"
    ),
    "restore_cancel": N_("no file is named to call a restore off: tipline restore DIR --cancel"),
    "restore_none": N_("no backup is being put into {path}"),
    "slots_of_another": N_("the slot file in {path} is the one of the line in {line}"),
    "restore_slots_left": N_("{path} is left of another restore"),
    "restore_slots_away": N_("the slot file that this restore made is not there: {path}"),
    "restore_other_line": N_("this backup is of another line than the one in {path}"),
    "restore_slots_there": N_("there is a slot file in {path} already"),
    "restore_slot_root": N_("the slot file in {path} is there, and sealed as it was made"),
    "restore_slots_missing": N_("there is no slot file in {path}"),
    "restore_log_shorter": N_("the log in {path} is shorter than that of the backup"),
    "restore_log_older": NN_(
        "the log has {count} entry, and {known} were shown already",
        "the log has {count} entries, and {known} were shown already",
    ),
    "restore_log_forked": N_(
        "the log in {path} and that of the backup differ from entry {number} on"
    ),
    "restore_database_opens": NN_(
        "the database in {path} opens; {count} tip in it is not in the backup, and would be lost",
        "the database in {path} opens; {count} tips in it are not in the backup, and would be lost",
    ),
    "restore_holds": NN_(
        "the database in {path} opens, and {count} hold in it is not in the backup, or not whole",
        "the database in {path} opens, and {count} holds in it are not in the backup, or not whole",
    ),
    "restore_configuration": N_("the path of the slot file cannot be written into {path}"),
    "file_special": N_("{path} is not an ordinary file"),
    "permissions_file": N_("{path} holds a secret, but others can read it"),
    "passphrase_terminal": N_("there is no terminal to ask for the passphrase at"),
    "passphrase_empty": N_("the passphrase is empty"),
    "passphrase_long": N_("the passphrase is longer than {limit} bytes"),
    "passphrase_lines": N_("the passphrase file has more than one line"),
    "passphrase_differs": N_("the two passphrases are not the same"),
    "age_stdin": N_("only one of the files can be stdin"),
    "age_recipients": N_("there is nobody to seal to"),
    "age_mixed": N_("a passphrase (-p) goes with no recipient (-r, -R)"),
    "age_seal_only": N_("-r, -R, -p and -a do not go with -d"),
    "age_open_only": N_("-i goes with -d"),
    "age_passphrase_unused": N_("nothing asks for the passphrase that was given"),
    "age_keygen": N_("-y goes with keygen, and keygen with -o and -y alone"),
    "age_terminal": N_("this is not text, and would disturb the terminal"),
    "configuration_toml": N_("tipline.toml cannot be read (line {line})"),
    "configuration_missing": N_("there is no tipline.toml in {path}"),
    "configuration_unknown_key": N_("tipline.toml: the key {key} is not known"),
    "configuration_missing_key": N_("tipline.toml: the key {key} is missing"),
    "configuration_wrong_value": N_("tipline.toml: the value of {key} is not one it can have"),
    "configuration_mail": N_("tipline.toml: there is to be a daily mail, and {key} is empty"),
    "policy_toml": N_("{file} cannot be read (line {line})"),
    "policy_long": N_("{file} is longer than {limit} bytes, so it is no policy"),
    "policy_missing": N_("there is no policy.toml in {path}"),
    "policy_unknown_key": N_("{file}: the key {key} is not known"),
    "policy_missing_key": N_("{file}: the key {key} is missing"),
    "policy_wrong_value": N_("{file}: the value of {key} is not one it can have"),
    "policy_contradiction": N_("{file}: {key} is longer than {limit}"),
    "clock_state": N_("what is kept of the time in {path} is damaged"),
    "clock_other_day": N_("the clock does not say {day} but {clock}"),
    "clock_day": N_("a day is written YYYY-MM-DD"),
    "instance_version": N_("the database is of version {version}, and this program's is {known}"),
    "slot": N_("the slot file cannot be used"),
    "slot_damaged": N_("slot {slot} cannot be read"),
    "day_key_lost": N_(
        "the key of {day} is missing; what was to go on that day cannot be opened any more: {count}"
    ),
    "epoch_key_lost": N_(
        "the key that gives senders by phone their handles is missing; until {until} their messages"
        " come without one"
    ),
    "record_keys_lost": NN_(
        "the key of {count} record is missing before its day; nobody can open it any more",
        "the keys of {count} records are missing before their day; nobody can open them any more",
    ),
    "slot_malformed": N_("this is not a slot"),
    "slot_folder_missing": N_("the directory {path} of the slot file is missing"),
    "slot_mirror_alone": N_("the slot file and its mirror {path} were each used without the other"),
    "slot_mirror_foreign": N_("the mirror {path} belongs to another slot file"),
    "slot_file_rebuilt": N_(
        "the slot file or its mirror missed something, and was rebuilt from the other"
    ),
    "slot_repaired": N_("slot {slot} was damaged on one disk, and was repaired from the other"),
    "slot_differs": N_("slot {slot} and its mirror hold different keys"),
    "slot_doubled": N_("slot {slot} holds a key that another slot holds, too"),
    "slot_exists": N_("there is a slot for this key already"),
    "slot_file_broken": N_("the disk did not keep what was written to the slot file"),
    "slot_file_exists": N_("there is a slot file in {path} already"),
    "slot_file_in_use": N_("another program has the slot file {path} open"),
    "slot_file_missing": N_("the slot file {path} is missing"),
    "slot_file_unreadable": N_("the slot file {path} is damaged, or is not one"),
    "slot_file_unsafe": N_("the slot file {path} can be reached by others or by another name"),
    "slot_free": N_("slot {slot} is empty: its key is gone"),
    "slot_not_destroyed": NN_(
        "{count} key could not be overwritten: it can still be read",
        "{count} keys could not be overwritten: they can still be read",
    ),
    "slot_other": N_("slot {slot} holds another key"),
    "slot_root_other": N_("the slots are sealed under another root than this machine has"),
    "slot_root_missing": N_("this machine's TPM has no root for this slot file"),
    "slot_tpm": N_("the TPM refuses ({program})"),
    "slot_tpm_taken": N_("the TPM's index {index} is used by something else"),
    "slot_tpm_tool": N_("the program {program} is not installed"),
    "slots_credential": N_("systemd hands over no credential {name} of 32 bytes"),
    "permissions_open": N_("others can read {path}"),
    "permissions_owner": N_("{path} belongs to another user"),
    "instance_missing": N_("{path} is not a line"),
    "instance_exists": N_("{path} is not empty"),
    "instance_in_use": N_("{path} is in use: this line runs already"),
    "instance_newer": N_(
        "the database is of version {version}, and this program knows up to {known}"
    ),
    "instance_sqlite": N_("this SQLite does not do what is asked of it"),
    "instance_checkpoint": N_("the database could not be tidied: something else reads it"),
    "instance_large": N_("the database is larger than 128 GiB, more than can be kept clean"),
    "instance_database": N_("{path} is missing or empty"),
    "instance_keyless": N_("the database holds tips of a version that gave them no keys"),
    "instance_no_keyset": N_("there is no keyset in {path}: nobody could read a tip"),
    "instance_history": N_("{path} is damaged"),
    "instance_key": N_("{path} is missing or damaged"),
    "annex_day": N_("a day is written YYYY-MM-DD"),
    "annex_unknown": N_("there is no annex of {day}: not yet, or not any more"),
    "log_damaged": N_("the log in {path} is not what was signed"),
    "log_behind": NN_(
        "the log in {path} has {count} entry, and {known} were shown already",
        "the log in {path} has {count} entries, and {known} were shown already",
    ),
    "log_other": N_("the log in {path} is another than the one that was shown"),
    "log_mark": N_("{path}, which says how far the log was shown, is damaged"),
    "mail_file": N_("{path}, which the daily mail needs, cannot be read"),
    "mail_login": N_("the mail server {server} refuses the user or the password"),
    "mail_refused": N_("the mail server {server} refuses the daily mail"),
    "mail_tls": N_("the way to the mail server {server} cannot be protected (TLS)"),
    "mail_unreachable": N_("the mail server {server} cannot be reached"),
    "mail_unset": N_("mail.server, mail.from or mail.to is empty in tipline.toml"),
    "closing_damaged": N_("{path}, which says when the line closes, is damaged"),
    "log_empty": N_("there is no log yet: it begins when the line is served for the first time"),
    "cosignature_unknown": N_("the file has no line of a witness that the keyset names"),
    "cosignature_wrong": N_("the witness's line signs no checkpoint of this log"),
    "instance_path_long": N_("{path} is longer than {limit} bytes, which a socket cannot have"),
    "instance_path_characters": N_("{path} has characters that tor cannot take in a path"),
    "onion_address": N_("this is not an onion address; compare it character by character"),
    "tor_control": N_("tor was started, but does not let itself be controlled"),
    "tor_ended": N_("tor has ended"),
    "tor_refused": N_("tor refuses {command}"),
    "tor_stalled": N_("tor comes no further than {stage} ({percent} %)"),
    "purge_incomplete": NN_(
        "{count} record that is past its day could not be removed",
        "{count} records that are past their day could not be removed",
    ),
    "purge_remnant": NN_(
        "{count} place still holds something of what was removed",
        "{count} places still hold something of what was removed",
    ),
    "init_missing": N_("{option} is not given, and there is nobody to ask"),
    "private_network": N_("the private Tor network did not start (it stopped at: {stage})"),
    "program_missing": N_("the program {program} is not installed"),
    "page_not_built": N_("the source's page is not built"),
    "page_changed": N_("a file of the source's page is not the one that was built ({name})"),
    "offline_impossible": N_("this machine lets no process be cut off from the network"),
    "keyset_forked": N_(
        "the desk root signed two different keysets with the number {number}; this is not the one"
        " seen before"
    ),
    "readers_unknown_key": N_("the file of readers: the key {key} is not known"),
    "readers_missing_key": N_("the file of readers: the key {key} is missing"),
    "readers_wrong_value": N_("the file of readers: the value of {key} is not one it can have"),
    "readers_toml": N_("the file of readers is not TOML ({reason})"),
    "readers_recipient": N_("{key} is not a recipient that begins with age1pq1"),
    "bundle_cut": N_("the bundle is not complete: its end is missing"),
    "bundle_format": N_("the bundle is not in its format ({detail})"),
    "broken_tips": NN_(
        "{count} tip of this bundle is broken and was left out",
        "{count} tips of this bundle are broken and were left out",
    ),
    "vault": N_("the vault cannot be used"),
    "files_found": NN_(
        "{count} file is not clean, or was refused", "{count} files are not clean, or were refused"
    ),
    "files_refused": NN_(
        "{count} file was refused and not cleaned", "{count} files were refused and not cleaned"
    ),
    "export_left": NN_(
        "{count} file cannot be cleaned, and was left in the vault",
        "{count} files cannot be cleaned, and were left in the vault",
    ),
    "gateway": N_("a gateway of phones does not do its part"),
    "gateway_signature": N_("gateway {gateway}: the signature does not hold"),
    "gateway_stale": N_("gateway {gateway}: this was signed too long ago, or ahead of our clock"),
    "gateway_malformed": N_("gateway {gateway}: this is not in the gateway's format"),
    "gateway_unreachable": N_("gateway {gateway}: the other side does not answer; later may help"),
    "gateway_refused": N_("gateway {gateway}: the other side refuses ({status})"),
    "gateway_media": N_("gateway {gateway}: a file of a message is larger than {limit} bytes"),
    "gateway_trial": N_("the message did not arrive; the gateway was answered {status}"),
    "gateway_in_clear": N_("number or text of the message lie in clear in: {files}"),
    "gateway_typed": N_(
        "what was typed has no text, is too long, or its number is not one; nothing was kept"
    ),
    "gateway_unknown": N_("this line has no gateway {gateway}"),
    "gateway_not_operator": N_(
        "this line has no gateway {gateway} of kind operator: nobody types in at another kind"
    ),
    "gateway_handle": N_("a handle has four words of one list, as the desk shows them"),
    "gateway_handle_unknown": N_("nobody who wrote in this epoch has this handle"),
    "gateway_busy": N_("the line takes nothing at the moment: nobody reads, or it has no room"),
    "gateway_not_served": N_("this line is not being served: start it first (tipline serve)"),
    "gateway_kept": NN_(
        "gateway {gateway}: the other side may still have {count} message or file",
        "gateway {gateway}: the other side may still have {count} messages or files",
    ),
    "gateway_undelivered": N_(
        "gateway {gateway}: the other side took an answer and could not bring it to the phone"
    ),
    "gateway_no_answers": N_("gateway {gateway} is not set up to send answers"),
    "gateway_spool": N_(
        "gateway {gateway}: {path} does not lie in memory: what stood in it would stay on the disk"
    ),
    "gateway_company": N_(
        "{key} has to be true: a company reads every message that comes this way, and keeps it"
    ),
    "gateway_spool_missing": N_(
        "gateway {gateway}: there is no folder {path}, in which its messages would lie"
    ),
    "gateway_secret_short": N_("{path}: {name} is too short: at least {limit} characters"),
    "gateways_toml": N_("gateways.toml cannot be read (line {line})"),
    "gateways_unknown_key": N_("gateways.toml: the key {key} is not known"),
    "gateways_missing_key": N_("gateways.toml: the key {key} is missing"),
    "gateways_wrong_value": N_("gateways.toml: the value of {key} is not one it can have"),
    "gateways_own_socket": N_(
        "gateways.toml: listen.unix is {path}, where the line itself listens or keeps its files"
    ),
    "gateways_folder": N_("gateways.toml: listen.unix lies in {path}, and there is no such folder"),
    "gateways_port": N_("gateways.toml: another program has listen.port, {port}"),
    "gateway_secrets": N_(
        '{path} is missing or not in its form: one line name = "value" for each of {names}'
    ),
    "sandbox_missing": N_("bubblewrap is not installed: without it no file is opened"),
    "sandbox_impossible": N_("this machine lets no sandbox be made: no file was opened"),
    "sandbox_libraries": N_("the programs that show files are not installed: none was opened"),
    "files_not_shown": NN_(
        "{count} file is not shown, or not all of it",
        "{count} files are not shown, or not all of them",
    ),
    "view_no_file": N_("the tip has no such file: tipline desk show names them"),
    "view_first": N_("there is no such page: pages count from 1"),
    "vault_exists": N_("there is something in {path} already"),
    "vault_missing": N_("there is no vault in {path}"),
    "vault_damaged": N_("the vault is damaged: {path}"),
    "vault_in_use": N_("another process opens tips into {path}"),
    "vault_no_tip": N_("there is no such tip in {path}"),
    "vault_two_tips": N_("{count} tips begin like this: type more of the id"),
    "vault_other_root": N_("another desk root is pinned in {path}"),
    "memory_missing": N_("nothing is remembered in {path} yet"),
    "memory_damaged": N_("what is remembered in {path} was changed"),
    "memory_other_root": N_("{path} remembers the desk root {pinned}, but {given} was given"),
    "not_confirmed": N_("nothing was signed"),
    "reader_id": N_("a reader's id has 1 to 32 of a-z, 0-9 and -"),
    "keygen_reader": N_("--signing needs --reader; --root and --client go without it"),
    "root_key": N_("this is not the key of a desk root: that one begins with tipline-root"),
    "client_passphrase": N_("the client key has no passphrase: it opens no tip"),
    "pull_url": N_("pull from http://ADDRESS.onion, or from unix:PATH on the server itself"),
    "hold": N_("this cannot be held"),
    "hold_person": N_("a person's name has 1 to {limit} characters, on one line"),
    "hold_one_person": N_("a hold needs two different persons"),
    "hold_reason": N_("a reason has 1 to {limit} characters, on one line"),
    "hold_until_past": N_("{until} is not after today"),
    "hold_until_far": N_("{until} is more than {limit} days away; no hold lasts longer"),
    "hold_target": N_("a hold is over tips or over one channel"),
    "hold_tips": N_("a hold names at most {limit} tips"),
    "hold_channel": N_("there is no channel {channel}"),
    "hold_unknown": N_("there is no hold {id}"),
    "tip_unknown": NN_(
        "{count} of these tips is not here: {ids}",
        "{count} of these tips are not here: {ids}",
    ),
    "tip_held": N_("tip {id} is held: {holds}"),
    "tip_id": N_("the id of a tip has 32 digits, 0 to 9 and a to f"),
    "hold_id": N_("the id of a hold has 32 digits, 0 to 9 and a to f"),
    "operation_failed": N_("the line could not do this: {reason}"),
    "operation_fault": N_("the running line has a fault, for the developers: {place}"),
    "operator_silent": N_("the running line does not answer at {path}"),
    "pull_unacknowledged": N_("the service could not be told which tips are here"),
    "pull_client_key": N_("an onion needs the desk's client key"),
    "pull_onion_only": N_("these options are for an onion only"),
    "pull_socks": N_("--tor-control and --socks go together"),
    "pull_root": N_("neither a memory nor the desk root's key is given: --memory DIR, --root KEY"),
    "pull_status": N_("the service does not give a bundle (status {status})"),
    "pull_silent": N_("the service does not answer"),
}
