/** What `git fsck` tells apart, by the names that `receive.fsck.<id>` knows (git-fsck), in lower case. */
export const FSCK_MESSAGE_IDS: ReadonlySet<string> = new Set(
  `
    nulinheader unterminatedheader badheadercontinuation baddate baddateoverflow bademail
    badgpgsig badheadtarget badname badobjectsha1 badpackedrefentry badpackedrefheader
    badparentsha1 badreferentname badrefcontent badreffiletype badrefname badrefoid
    badtimezone badtree badtreesha1 badtype duplicateentries gitattributesblob
    gitattributeslarge gitattributeslinelength gitattributesmissing gitmodulesblob
    gitmoduleslarge gitmodulesmissing gitmodulesname gitmodulespath gitmodulessymlink
    gitmodulesupdate gitmodulesurl missingauthor missingcommitter missingemail
    missingnamebeforeemail missingobject missingspacebeforedate missingspacebeforeemail
    missingtag missingtagentry missingtree missingtype missingtypeentry multipleauthors
    packedrefentrynotterminated packedrefunsorted treenotsorted unknowntype zeropaddeddate
    badreftabletablename emptyname fullpathname hasdot hasdotdot hasdotgit largepathname
    nullsha1 nulincommit zeropaddedfilemode badfilemode badtagname emptypackedrefsfile
    gitattributessymlink gitignoresymlink gitmodulesparse mailmapsymlink missingtaggerentry
    refmissingnewline symlinkref symreftargetisnotaref trailingrefcontent extraheaderentry
  `
    .trim()
    .split(/\s+/),
);
