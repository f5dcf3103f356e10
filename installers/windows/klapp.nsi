; Installs klapp for one person, without an administrator. Everything that is written lies in one folder of its own,
; in the person's start menu, and in the person's part of the registry; klapp's state (%LOCALAPPDATA%\klapp) is left alone.
Unicode true
SetCompressor /SOLID lzma
!include MUI2.nsh

Name "klapp"
OutFile "${OUT}"
InstallDir "$LOCALAPPDATA\Programs\klapp"
InstallDirRegKey HKCU "Software\klapp" "Folder"
RequestExecutionLevel user
SetDateSave off
BrandingText "klapp ${VERSION}"

!define GONE "Software\Microsoft\Windows\CurrentVersion\Uninstall\klapp"
!define MUI_ICON "${TREE}\klapp.ico"
!define MUI_UNICON "${TREE}\klapp.ico"
!insertmacro MUI_PAGE_LICENSE "${TREE}\LICENSE.txt"
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

VIProductVersion "${VERSION}.0"
VIAddVersionKey "ProductName" "klapp"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "FileDescription" "Installs klapp"
VIAddVersionKey "LegalCopyright" "The klapp project, Apache-2.0"

!macro STOP_IF_RUNNING
  ; A Python that runs can not be opened for writing.
  IfFileExists "$INSTDIR\python\pythonw.exe" 0 +6
    ClearErrors
    FileOpen $0 "$INSTDIR\python\pythonw.exe" a
    IfErrors 0 +3
      MessageBox MB_OK|MB_ICONEXCLAMATION "klapp is running. Quit it from its icon, then try again." /SD IDOK
      Abort "klapp is running."
    FileClose $0
!macroend

Section "klapp"
  !insertmacro STOP_IF_RUNNING
  ; The version before goes first, so that no file of it stays: only the folders that klapp itself has made.
  RMDir /r "$INSTDIR\python"
  RMDir /r "$INSTDIR\packages"
  SetOutPath "$INSTDIR"
  File /r "${TREE}\*"
  ; Workers run in containers, which may read nothing of a person's; klapp's own folder has to be opened to them
  ; (S-1-15-2-1: all application packages), to be read.
  nsExec::Exec '"$SYSDIR\icacls.exe" "$INSTDIR" /grant *S-1-15-2-1:(OI)(CI)(RX) /Q'
  Pop $0
  WriteUninstaller "$INSTDIR\uninstall.exe"
  CreateShortCut "$SMPROGRAMS\klapp.lnk" "$INSTDIR\python\pythonw.exe" "-I -m klapp.cli.main" "$INSTDIR\klapp.ico"

  WriteRegStr HKCU "Software\klapp" "Folder" "$INSTDIR"
  ; A double click opens it in the editor of klapp's page; the text editor stands beside that in its menu.
  WriteRegStr HKCU "Software\Classes\.klr" "" "klapp.coworker"
  WriteRegStr HKCU "Software\Classes\.klr" "PerceivedType" "text"
  WriteRegStr HKCU "Software\Classes\klapp.coworker" "" "klapp coworker"
  WriteRegStr HKCU "Software\Classes\klapp.coworker\DefaultIcon" "" "$INSTDIR\klapp.ico"
  WriteRegStr HKCU "Software\Classes\klapp.coworker\shell" "" "open"
  WriteRegStr HKCU "Software\Classes\klapp.coworker\shell\open\command" "" '"$INSTDIR\python\pythonw.exe" -I -m klapp.cli.main open "%1"'
  WriteRegStr HKCU "Software\Classes\klapp.coworker\shell\edit\command" "" '"$SYSDIR\notepad.exe" "%1"'
  ; What the system's settings show, and how it takes klapp away.
  WriteRegStr HKCU "${GONE}" "DisplayName" "klapp"
  WriteRegStr HKCU "${GONE}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${GONE}" "DisplayIcon" "$INSTDIR\klapp.ico"
  WriteRegStr HKCU "${GONE}" "Publisher" "The klapp project"
  WriteRegStr HKCU "${GONE}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${GONE}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${GONE}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${GONE}" "NoModify" 1
  WriteRegDWORD HKCU "${GONE}" "NoRepair" 1
SectionEnd

Section "Uninstall"
  !insertmacro STOP_IF_RUNNING
  RMDir /r "$INSTDIR\python"
  RMDir /r "$INSTDIR\packages"
  Delete "$INSTDIR\klapp.cmd"
  Delete "$INSTDIR\klapp.ico"
  Delete "$INSTDIR\LICENSE.txt"
  Delete "$INSTDIR\sbom.cdx.json"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  Delete "$SMPROGRAMS\klapp.lnk"
  DeleteRegKey HKCU "Software\klapp"
  DeleteRegKey HKCU "Software\Classes\.klr"
  DeleteRegKey HKCU "Software\Classes\klapp.coworker"
  DeleteRegKey HKCU "${GONE}"
SectionEnd
