mod governance;
